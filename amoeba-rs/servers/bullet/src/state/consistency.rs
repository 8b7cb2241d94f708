//! What tests find out about a state.

use super::State;
use crate::extents::Extents;
use crate::table::Stage;

impl State {
    /// What must hold whenever nobody works on a file.
    pub(crate) fn assert_consistent(&self) {
        let geometry = *self.table.geometry();
        let mut blocks = Extents::new(geometry.first_data()..geometry.blocks);
        for (object, file) in self.table.files() {
            let count = geometry.blocks_of(file.size);
            if file.is_committed() && count > 0 {
                assert!(blocks.take_at(file.address, count), "files have their own blocks");
            }
            assert_eq!(file.stage == Stage::Draft, self.drafts.contains_key(&object));
            assert!(
                file.stage != Stage::Intent || file.size == 0 || file.slot.is_some(),
                "an intent is in the cache"
            );
        }
        // Blocks of files that are gone, but whose inodes could not be written, are not free yet.
        assert!(self.table.free_blocks().total() <= blocks.total());
        assert!(!self.table.unsettled().is_empty() || *self.table.free_blocks() == blocks);
        let free = self
            .table
            .files()
            .filter(|(object, file)| *object > 0 && file.stage == Stage::Free);
        assert_eq!(free.count() as u32, self.table.free_inodes());
        let cached = self.table.files().filter(|(_, file)| file.slot.is_some());
        assert_eq!(cached.count(), self.cache.count(), "every place has its file");
    }
}
