//! The encrypted file of a directory.
//!
//! The key of a directory is a random number. Exclusive-or'ed with the check field of each capability that there can be of
//! the directory, one for every value of the rights, it stands in the file; the check fields themselves do not. So the file is
//! read with a capability in hand, and the server forgets the key when it has answered. What is encrypted is the file of a
//! plain directory, with the number from which all check fields follow.
//!
//! | bytes | field |
//! |---|---|
//! | 4 + 4 | magic number, twice |
//! | 6 | the one-way function of the key |
//! | 12 | number used once |
//! | 256 * 6 | the key, exclusive-or'ed with the check field for rights 0 to 255 |
//! | | the directory's file, mixed with the stream of ChaCha20; the key of that repeats the directory's |

use crate::cipher::{self, KEY, NONCE};
use crate::directory::Directory;
use crate::world::World;
use alloc::vec::Vec;
use proto::capability::{Port, Private, Rights};
use proto::one_way::one_way;
use proto::soap::{Failure, LARGEST_DIRECTORY};
use proto::standard::Status;

const MAGIC: [u8; 8] = *b"\x17\x52\x38\x05\x17\x52\x38\x05";
const KEY_CHECK: usize = 8;
const ONCE: usize = 14;
const WRAPPED: usize = 26;
/// Bytes that come before the encrypted ones.
pub const PREFIX: usize = WRAPPED + 256 * 6;

/// What is needed to write an encrypted directory anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    key: Port,
    wrapped: Vec<u8>,
}

fn mixed(one: Port, other: &[u8]) -> Port {
    Port(core::array::from_fn(|place| one.0[place] ^ other[place]))
}

/// Whether a directory's file is encrypted.
pub fn is_sealed(file: &[u8]) -> bool {
    file.len() >= PREFIX && file.starts_with(&MAGIC)
}

impl Seal {
    /// A seal with this key for a directory that is protected by `check`.
    pub fn new(key: Port, check: Port) -> Seal {
        let all = Private::owner(0, check);
        let checks = (0..=255).map(|rights| all.restrict(Rights(rights), check).check);
        Seal {
            key,
            wrapped: checks.flat_map(|check| mixed(key, &check.0).0).collect(),
        }
    }

    /// The encrypted file of a directory.
    ///
    /// # Errors
    /// [`Status::NoSpace`] if it is larger than a directory may be; what the server of random numbers says.
    pub fn close(&self, directory: &Directory, world: &mut impl World) -> Result<Vec<u8>, Failure> {
        let plain = directory.emit()?;
        if plain.len() + PREFIX > LARGEST_DIRECTORY {
            return Err(Status::NoSpace.into());
        }
        let mut once = [0; NONCE];
        once[..6].copy_from_slice(&world.random()?.0);
        once[6..].copy_from_slice(&world.random()?.0);
        let mut file = MAGIC.to_vec();
        file.extend(one_way(self.key).0);
        file.extend(once);
        file.extend(&self.wrapped);
        file.extend(plain);
        cipher::mix(&stream_key(self.key), &once, &mut file[PREFIX..]);
        Ok(file)
    }

    /// Opens an encrypted file with a capability of its directory.
    ///
    /// # Errors
    /// [`Status::BadCapability`] for one that does not open it; [`Status::SystemError`] for a damaged file.
    pub fn open(file: &[u8], private: &Private) -> Result<(Directory, Seal), Failure> {
        if !is_sealed(file) {
            return Err(Status::SystemError.into());
        }
        let wrapped = &file[WRAPPED + 6 * usize::from(private.rights.0)..][..6];
        let key = mixed(private.check, wrapped);
        if one_way(key).0 != file[KEY_CHECK..ONCE] {
            return Err(Status::BadCapability.into());
        }
        let mut once = [0; NONCE];
        once.copy_from_slice(&file[ONCE..WRAPPED]);
        let mut plain = file[PREFIX..].to_vec();
        cipher::mix(&stream_key(key), &once, &mut plain);
        let directory = Directory::parse(&plain).map_err(|_| Status::SystemError)?;
        let seal = Seal {
            key,
            wrapped: file[WRAPPED..PREFIX].to_vec(),
        };
        Ok((directory, seal))
    }
}

fn stream_key(key: Port) -> [u8; KEY] {
    core::array::from_fn(|place| key.0[place % 6])
}
