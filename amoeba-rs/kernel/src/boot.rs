//! Booting another kernel from a file, as the system server is asked to: what is to be read and whether it is any good is said by
//! `kernel_core::boot`.

use crate::console::line;
use crate::restart;
use crate::system::System;
use kernel_core::boot::{Boot, Failure};
use kernel_core::machine::Milliseconds;
use kernel_core::memory::EXTENDED_START;
use proto::standard::Status;

impl System {
    /// Begins to read the file from which the machine is to boot, if it is time for that.
    pub(crate) fn begin_boot(&mut self, now: Milliseconds) {
        if let Some((file, line)) = self.network.image_to_boot(now) {
            let boot = Boot::new(file, line, EXTENDED_START..self.end_of_memory);
            self.go_on_booting(boot);
        }
    }

    /// Reads the next bytes of the file, or begins the new kernel if there are none.
    fn go_on_booting(&mut self, boot: Boot) {
        let segments = self.processes.segments();
        match boot.wanted(segments) {
            Some(wanted) => {
                self.network.read_image(&boot.file, wanted);
                self.boot = Some(boot);
            }
            None => {
                if let Some(start) = boot.start(&mut self.memory, segments) {
                    line!("booting {} KB from a file", start.length / 1024);
                    restart::begin(&mut self.memory, &start);
                }
            }
        }
    }

    /// Bytes of the file have come, or not. A file of which nothing comes leaves everything as it is.
    pub(crate) fn image_read(&mut self, outcome: Result<(alloc::vec::Vec<u8>, u32), Status>) {
        let Some(mut boot) = self.boot.take() else {
            return;
        };
        let (memory, segments) = (&mut self.memory, self.processes.segments_mut());
        let is_head = boot.wanted(segments).is_some_and(|wanted| wanted.place.is_none());
        let taken = outcome
            .map_err(Failure::Read)
            .and_then(|(head, length)| match is_head {
                true => boot.take_head(memory, segments, &head),
                false => boot.took(length),
            });
        match taken {
            Ok(()) => self.go_on_booting(boot),
            Err(failure) => {
                line!("cannot boot: {failure}");
                boot.give_up(memory, segments);
                self.network.stay();
            }
        }
    }
}
