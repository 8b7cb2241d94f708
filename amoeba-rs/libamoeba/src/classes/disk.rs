//! Virtual disks. Blocks have 2 to the power of `size` bytes, 9 to 31, whatever the disk is made of.

use super::{Capability, Header, Status, Transactions, ask, request};
use proto::ByteOrder;
use proto::disk::Geometry;
use proto::disk::label::GEOMETRY_LENGTH;
use proto::disk::server::{Command, Control, GREATEST_BLOCK, LARGEST_TRANSFER, LEAST_BLOCK, Piece};
use proto::marshal::Reader;

/// The most pieces that a virtual disk has.
const MOST_PIECES: usize = proto::disk::label::PARTS;

/// What each request of a transfer moves, but for the last one.
struct Plan {
    bytes: usize,
    blocks: u32,
}

/// How a transfer of `length` bytes from block `first` on is divided into requests.
fn plan(size: u16, first: u32, length: usize) -> Result<Plan, Status> {
    if !(LEAST_BLOCK..=GREATEST_BLOCK).contains(&size) || i32::try_from(first).is_err() {
        return Err(Status::BadArgument);
    }
    let block = 1_usize << size;
    let blocks = LARGEST_TRANSFER / block;
    if blocks == 0 || length % block != 0 {
        return Err(Status::BadArgument);
    }
    Ok(Plan {
        bytes: blocks * block,
        blocks: blocks as u32,
    })
}

/// A request for some blocks.
fn blocks(
    disk: &Capability,
    command: Command,
    size: u16,
    first: u32,
    length: usize,
) -> Result<Header, Status> {
    Ok(Header {
        offset: i32::try_from(first).map_err(|_| Status::BadArgument)?,
        extra: (length >> size) as u16,
        size,
        ..request(disk, command.code())
    })
}

/// Reads whole blocks from block `first` on, in as many requests as it takes.
///
/// # Errors
/// [`Status::BadArgument`] for a block size that there is not or that no request can carry, for data that is not whole blocks, and
/// beyond the end; what the server says.
pub fn read(
    transactions: &mut impl Transactions,
    disk: &Capability,
    size: u16,
    first: u32,
    data: &mut [u8],
) -> Result<(), Status> {
    let plan = plan(size, first, data.len())?;
    let firsts = (first..).step_by(plan.blocks as usize);
    for (first, chunk) in firsts.zip(data.chunks_mut(plan.bytes)) {
        let header = blocks(disk, Command::Read, size, first, chunk.len())?;
        let wanted = chunk.len();
        let (_, length) = ask(transactions, &header, &[], chunk)?;
        if length != wanted {
            return Err(Status::SystemError);
        }
    }
    Ok(())
}

/// Writes whole blocks from block `first` on, in as many requests as it takes. All are on the disk when this returns.
///
/// # Errors
/// As [`read`]; after an error some blocks may have been written.
pub fn write(
    transactions: &mut impl Transactions,
    disk: &Capability,
    size: u16,
    first: u32,
    data: &[u8],
) -> Result<(), Status> {
    let plan = plan(size, first, data.len())?;
    let firsts = (first..).step_by(plan.blocks as usize);
    for (first, chunk) in firsts.zip(data.chunks(plan.bytes)) {
        let header = blocks(disk, Command::Write, size, first, chunk.len())?;
        ask(transactions, &header, chunk, &mut [])?;
    }
    Ok(())
}

/// How many whole blocks the disk has.
///
/// # Errors
/// What the server says.
pub fn size(transactions: &mut impl Transactions, disk: &Capability, size: u16) -> Result<u32, Status> {
    let header = Header {
        size,
        ..request(disk, Command::Size.code())
    };
    let (reply, _) = ask(transactions, &header, &[], &mut [])?;
    u32::try_from(reply.offset).map_err(|_| Status::SystemError)
}

/// Where the disk's pieces are: how many, in `pieces`.
///
/// # Errors
/// [`Status::Overflow`] if there are more than fit; what the server says.
pub fn info(
    transactions: &mut impl Transactions,
    disk: &Capability,
    pieces: &mut [Piece],
) -> Result<usize, Status> {
    let mut bytes = [0; MOST_PIECES * Piece::LENGTH];
    let (_, length) = ask(
        transactions,
        &request(disk, Command::Info.code()),
        &[],
        &mut bytes,
    )?;
    let count = length / Piece::LENGTH;
    let places = pieces.get_mut(..count).ok_or(Status::Overflow)?;
    let mut reader = Reader::new(&bytes[..length]);
    for place in places {
        *place = Piece::parse(&mut reader).map_err(|_| Status::SystemError)?;
    }
    Ok(count)
}

/// The shape of the drive where the disk begins.
///
/// # Errors
/// What the server says.
pub fn geometry(transactions: &mut impl Transactions, disk: &Capability) -> Result<Geometry, Status> {
    let mut bytes = [0; GEOMETRY_LENGTH];
    let header = request(disk, Command::GetGeometry.code());
    let (_, length) = ask(transactions, &header, &[], &mut bytes)?;
    Geometry::parse(&bytes[..length], ByteOrder::Little).map_err(|_| Status::SystemError)
}

/// Does something with the medium.
///
/// # Errors
/// [`Status::BadCommand`] if the drive cannot do it; what the server says.
pub fn control(transactions: &mut impl Transactions, disk: &Capability, what: Control) -> Result<(), Status> {
    let header = Header {
        extra: what.code(),
        ..request(disk, Command::Control.code())
    };
    ask(transactions, &header, &[], &mut []).map(drop)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{LARGEST_TRANSFER, Piece, control, geometry, info, read, size, write};
    use crate::Transactions;
    use proto::capability::{Capability, Port, Private};
    use proto::disk::server::{Command, Control};
    use proto::message::Header;
    use proto::standard::Status;
    use std::vec;
    use std::vec::Vec;

    /// A disk of 200 KB, served as the kernel does.
    struct Disk {
        bytes: Vec<u8>,
        requests: usize,
    }

    impl Transactions for Disk {
        fn trans(
            &mut self,
            request: &Header,
            data: &[u8],
            reply_data: &mut [u8],
        ) -> Result<(Header, usize), Status> {
            self.requests += 1;
            let mut reply = Header::default();
            let start = (request.offset as usize) << request.size;
            let length = usize::from(request.extra) << request.size;
            let mut answer = Vec::new();
            match Command::from_code(request.command) {
                Some(Command::Size) => reply.offset = (self.bytes.len() >> request.size) as i32,
                Some(Command::Info) => answer = (0..24).collect(),
                Some(Command::GetGeometry) => answer = vec![0, 2, 0, 2, 10, 0, 0, 0, 4, 0, 1, 0],
                Some(Command::Control) => reply.set_status(Status::BadCommand),
                _ if length > LARGEST_TRANSFER || start + length > self.bytes.len() => {
                    reply.set_status(Status::BadArgument);
                }
                Some(Command::Read) => answer = self.bytes[start..start + length].to_vec(),
                Some(Command::Write) => self.bytes[start..start + length].copy_from_slice(data),
                None => reply.set_status(Status::BadCommand),
            }
            let length = answer.len().min(reply_data.len());
            reply_data[..length].copy_from_slice(&answer[..length]);
            Ok((reply, length))
        }

        fn getreq(&mut self, _port: Port, _data: &mut [u8]) -> Result<(Header, usize), Status> {
            Err(Status::RpcAborted)
        }

        fn putrep(&mut self, _reply: &Header, _data: &[u8]) {}
    }

    fn disk() -> Disk {
        Disk {
            bytes: (0..200 * 1024).map(|place| (place / 5) as u8).collect(),
            requests: 0,
        }
    }

    fn capability() -> Capability {
        Capability {
            port: Port([4; 6]),
            private: Private::owner(1, Port([5; 6])),
        }
    }

    #[test]
    fn a_long_transfer_is_as_many_requests_as_it_takes() {
        for (block, requests) in [(9, 4), (10, 4), (12, 4), (13, 5), (14, 7)] {
            let mut disk = disk();
            let mut data = vec![0; 112 << 10];
            read(&mut disk, &capability(), block, 1, &mut data).unwrap();
            assert!(data == disk.bytes[1 << block..][..112 << 10]);
            assert_eq!(disk.requests, requests, "{block}");
            data.reverse();
            write(&mut disk, &capability(), block, 1, &data).unwrap();
            assert!(data == disk.bytes[1 << block..][..112 << 10]);
            assert_eq!(disk.requests, 2 * requests);
        }
    }

    #[test]
    fn what_no_request_can_carry_is_refused_without_one() {
        let mut disk = disk();
        for (block, length) in [(8, 256), (32, 0), (9, 100), (15, 1 << 15), (10, 512)] {
            let result = read(&mut disk, &capability(), block, 0, &mut vec![0; length]);
            assert_eq!(result, Err(Status::BadArgument), "{block} {length}");
        }
        let result = write(&mut disk, &capability(), 9, 1 << 31, &[0; 512]);
        assert_eq!((result, disk.requests), (Err(Status::BadArgument), 0));
        let result = write(&mut disk, &capability(), 9, 400, &[0; 512]);
        assert_eq!((result, disk.requests), (Err(Status::BadArgument), 1));
    }

    #[test]
    fn a_disk_tells_its_size_its_pieces_and_its_shape() {
        let mut disk = disk();
        assert_eq!(size(&mut disk, &capability(), 12), Ok(50));
        let nothing = Piece {
            unit: 0,
            first: 0,
            count: 0,
        };
        let mut pieces = [nothing; 8];
        assert_eq!(info(&mut disk, &capability(), &mut pieces), Ok(2));
        assert_eq!((pieces[0].unit, pieces[1].count), (0x0302_0100, 0x1716_1514));
        assert_eq!(
            info(&mut disk, &capability(), &mut pieces[..1]),
            Err(Status::Overflow)
        );
        let geometry = geometry(&mut disk, &capability()).unwrap();
        assert_eq!((geometry.cylinders, geometry.heads, geometry.sectors), (10, 4, 1));
        let eject = control(&mut disk, &capability(), Control::Eject);
        assert_eq!(eject, Err(Status::BadCommand));
    }
}
