//! What a drive reads and writes: sectors, kept by whoever runs the board.

/// Bytes of a sector on every medium.
pub const SECTOR_BYTES: usize = 512;

/// The data of a sector.
pub type Sector = [u8; SECTOR_BYTES];

/// A disk's sectors. The board owns the media and lends them for each call, so that a chip holds no host handle; a
/// file, an overlay of written sectors or plain memory can be behind it.
pub trait Medium {
    /// How many sectors there are. It does not change while the medium is in a drive.
    fn sectors(&self) -> u32;

    /// Whether the medium refuses to be written (a floppy's notch, an image opened to be read only).
    fn is_write_protected(&self) -> bool;

    /// Copies sector `sector` (below [`Medium::sectors`]) into `data`.
    fn read(&self, sector: u32, data: &mut Sector);

    /// Replaces sector `sector` (below [`Medium::sectors`]). It is on the medium when the call returns.
    fn write(&mut self, sector: u32, data: &Sector);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A medium in memory. The sectors hold their own number, so that each is told from the others.
    #[derive(Clone, Debug)]
    pub(crate) struct Ram {
        pub(crate) data: Vec<Sector>,
        pub(crate) is_write_protected: bool,
    }

    impl Ram {
        pub(crate) fn numbered(sectors: u32) -> Self {
            Self {
                data: (0..sectors).map(numbered).collect(),
                is_write_protected: false,
            }
        }
    }

    /// What sector `sector` of [`Ram::numbered`] holds.
    pub(crate) fn numbered(sector: u32) -> Sector {
        core::array::from_fn(|index| (sector as usize * 7 + index * 3 + index / 256) as u8)
    }

    impl Medium for Ram {
        fn sectors(&self) -> u32 {
            self.data.len() as u32
        }

        fn is_write_protected(&self) -> bool {
            self.is_write_protected
        }

        fn read(&self, sector: u32, data: &mut Sector) {
            *data = self.data[sector as usize];
        }

        fn write(&mut self, sector: u32, data: &Sector) {
            assert!(!self.is_write_protected, "a protected medium is not written");
            self.data[sector as usize] = *data;
        }
    }
}
