//! Page faults.

use cpu::{Register, Segment};

use crate::setup::{DATA_3, DIRECTORY, GDT, IDT, OTHER, Setup, TABLE};
use crate::{JMP, Row, check, pf};

/// An access at level 0 or 3 with page 5 mapped so.
fn page(setup: &mut Setup, is_user: bool, bits: u32, code: &[u8]) {
    setup.paging();
    setup.page(5, bits);
    if is_user {
        setup.user();
    }
    setup.code(code);
    setup.page_fault_address = Some(0x5000);
}

const READ: &[u8] = &[0xA1, 0x00, 0x50, 0, 0];
const WRITE: &[u8] = &[0xA3, 0x00, 0x50, 0, 0];
const READ_ACROSS: &[u8] = &[0xA1, 0xFE, 0x4F, 0, 0];
const WRITE_ACROSS: &[u8] = &[0xA3, 0xFE, 0x4F, 0, 0];

// PRM 5.3, 6.4 and 9.8.14.
const PAGE_FAULTS: &[Row] = &[
    (
        "a supervisor reads an absent page",
        |s| page(s, false, 6, READ),
        pf(0),
    ),
    (
        "a supervisor writes an absent page",
        |s| page(s, false, 6, WRITE),
        pf(2),
    ),
    ("a user reads an absent page", |s| page(s, true, 6, READ), pf(4)),
    ("a user writes an absent page", |s| page(s, true, 6, WRITE), pf(6)),
    (
        "a user reads a supervisor's page",
        |s| page(s, true, 3, READ),
        pf(5),
    ),
    (
        "a user writes a supervisor's page",
        |s| page(s, true, 3, WRITE),
        pf(7),
    ),
    (
        "a user writes a page that can only be read",
        |s| page(s, true, 5, WRITE),
        pf(7),
    ),
    (
        "a user changes a page that can only be read",
        |s| page(s, true, 5, &[0x80, 0x05, 0, 0x50, 0, 0, 1]),
        pf(7),
    ),
    (
        "a user reads where the directory is the supervisor's",
        |s| {
            page(s, true, 7, READ);
            s.dword(DIRECTORY, TABLE | 7);
            s.dword(DIRECTORY + 4, TABLE | 3);
            s.code(&[0xA1, 0, 0x50, 0x40, 0]);
            s.page_fault_address = Some(0x40_5000);
        },
        pf(5),
    ),
    (
        "a user writes where the directory can only be read",
        |s| {
            page(s, true, 7, WRITE);
            s.dword(DIRECTORY + 4, TABLE | 5);
            s.code(&[0xA3, 0, 0x50, 0x40, 0]);
            s.page_fault_address = Some(0x40_5000);
        },
        pf(7),
    ),
    (
        "a supervisor reads without a page table",
        |s| {
            page(s, false, 7, &[0xA1, 0, 0x50, 0x40, 0]);
            s.page_fault_address = Some(0x40_5000);
        },
        pf(0),
    ),
    (
        "a read across into an absent page",
        |s| page(s, false, 6, READ_ACROSS),
        pf(0),
    ),
    (
        "a write across into an absent page",
        |s| page(s, false, 6, WRITE_ACROSS),
        pf(2),
    ),
    (
        "a user writes across into a supervisor's page",
        |s| page(s, true, 3, WRITE_ACROSS),
        pf(7),
    ),
    (
        "a user pushes to an absent page",
        |s| {
            page(s, true, 6, &[0x50]);
            s.set(Register::Esp, 0x6000);
            s.page_fault_address = Some(0x5FFC);
        },
        pf(6),
    ),
    (
        "PUSHA across into an absent page",
        |s| {
            page(s, true, 6, &[0x60]);
            s.set(Register::Esp, 0x6010);
            s.page_fault_address = Some(0x5FFC);
        },
        pf(6),
    ),
    (
        "POPA across into an absent page",
        |s| {
            page(s, true, 6, &[0x61]);
            s.set(Register::Esp, 0x4FF0);
        },
        pf(4),
    ),
    (
        "a near call that cannot push",
        |s| {
            page(s, true, 6, &[0xE8, 0, 0, 0, 0]);
            s.set(Register::Esp, 0x6000);
            s.page_fault_address = Some(0x5FFC);
        },
        pf(6),
    ),
    (
        "MOVSD to an absent page",
        |s| {
            page(s, true, 6, &[0xA5]);
            s.set(Register::Edi, 0x5000);
            s.set(Register::Esi, 0x9000);
        },
        pf(6),
    ),
    (
        "code in an absent page",
        |s| {
            page(s, true, 6, &[]);
            s.state.eip = 0x5000;
        },
        pf(4),
    ),
    (
        "a user's code in a supervisor's page",
        |s| {
            page(s, true, 3, &[]);
            s.state.eip = 0x5000;
        },
        pf(5),
    ),
    (
        "a descriptor in an absent page, for a user",
        |s| {
            page(s, true, 6, &[]);
            s.state.gdtr.base = 0x5000 - 0x18;
            s.load(Segment::Ds, DATA_3);
            s.copy(GDT + 8, 0x4FF0, 16);
            s.page_fault_address = Some(0x5008);
        },
        pf(0),
    ),
    (
        "SGDT across into an absent page",
        |s| page(s, false, 6, &[0x0F, 0x01, 0x05, 0xFC, 0x4F, 0, 0]),
        pf(2),
    ),
    (
        "ENTER whose new top lies in an absent page",
        |s| {
            page(s, true, 6, &[0xC8, 0x10, 0, 0]);
            s.set(Register::Esp, 0x6010);
            s.page_fault_address = Some(0x5FFC);
        },
        pf(6),
    ),
    (
        "a bit beside the addressed dword, in an absent page",
        |s| {
            // BTS [6000h], EAX
            page(s, true, 6, &[0x0F, 0xAB, 0x05, 0, 0x60, 0, 0]);
            s.set(Register::Eax, (-32_i32) as u32);
            s.page_fault_address = Some(0x5FFC);
        },
        pf(6),
    ),
    (
        "the interrupt table in an absent page, for a user",
        |s| {
            page(s, true, 6, &[0xCD, 0x1F]);
            // Only the last gate lies in the page.
            s.state.idtr.base = 0x5000 - 0x1F * 8;
            s.copy(IDT, 0x5000 - 0x1F * 8, 0x1F * 8);
        },
        pf(0),
    ),
    (
        "the new task's segment in an absent page, for a user",
        |s| {
            page(s, false, 6, &[]);
            s.segment(OTHER, 0x5000, 0x67, 0x89);
            s.far(JMP, OTHER, 0);
        },
        pf(0),
    ),
];

#[test]
fn pages_fault_as_the_manual_lists() {
    check(PAGE_FAULTS);
}
