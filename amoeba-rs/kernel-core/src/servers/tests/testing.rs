//! A line whose other end the tests hold.

use crate::line_discipline::Received;
use crate::servers::terminal::Line;
use proto::terminal::ControlFlags;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

#[derive(Default)]
pub(super) struct End {
    pub(super) typed: VecDeque<Received>,
    pub(super) sent: Vec<u8>,
    /// How many bytes more it takes; `None` for any number.
    pub(super) room: Option<usize>,
    /// Beginnings and ends of breaks.
    pub(super) breaks: Vec<bool>,
    pub(super) formats: Vec<(u32, ControlFlags)>,
    pub(super) is_hung_up: bool,
    /// Bytes that were taken are still on their way.
    pub(super) is_busy: bool,
}

#[derive(Clone, Default)]
pub(super) struct TestLine(pub(super) Rc<RefCell<End>>);

impl TestLine {
    pub(super) fn sent(&self) -> Vec<u8> {
        self.0.borrow().sent.clone()
    }

    pub(super) fn type_in(&self, text: &[u8]) {
        let typed = &mut self.0.borrow_mut().typed;
        typed.extend(text.iter().map(|byte| Received::Byte(*byte)));
    }
}

impl Line for TestLine {
    fn receive(&mut self) -> Option<Received> {
        self.0.borrow_mut().typed.pop_front()
    }

    fn room(&self) -> usize {
        self.0.borrow().room.unwrap_or(1)
    }

    fn send(&mut self, byte: u8) {
        let mut end = self.0.borrow_mut();
        end.sent.push(byte);
        end.room = end.room.map(|room| room - 1);
    }

    fn is_idle(&self) -> bool {
        !self.0.borrow().is_busy
    }

    fn set_break(&mut self, is_on: bool) {
        self.0.borrow_mut().breaks.push(is_on);
    }

    fn set(&mut self, speed: u32, format: ControlFlags) -> bool {
        let is_possible = speed == 9600 || speed == 115_200;
        if is_possible {
            self.0.borrow_mut().formats.push((speed, format));
        }
        is_possible
    }

    fn has_carrier(&self) -> bool {
        !self.0.borrow().is_hung_up
    }
}
