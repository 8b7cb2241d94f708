//! What a turn does. Procedures that the benchmark keeps apart stay calls here.

use alloc::boxed::Box;
use core::hint::black_box;

type Text = [u8; 30];

const FIRST_TEXT: &Text = b"DHRYSTONE PROGRAM, 1'ST STRING";
const SECOND_TEXT: &Text = b"DHRYSTONE PROGRAM, 2'ND STRING";
const THIRD_TEXT: &Text = b"DHRYSTONE PROGRAM, 3'RD STRING";
const RECORD_TEXT: &Text = b"DHRYSTONE PROGRAM, SOME STRING";

/// The benchmark's enumeration.
#[allow(dead_code, reason = "it has five values, and not every one comes up")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Identifier {
    First,
    Second,
    Third,
    Fourth,
    Fifth,
}

/// The benchmark's record.
#[derive(Clone)]
struct Record {
    discriminant: Identifier,
    component: Identifier,
    number: i32,
    text: Text,
}

/// What outlives a turn.
pub(crate) struct Work {
    global: i32,
    is_global: bool,
    first: u8,
    second: u8,
    list: [i32; 50],
    table: Box<[[i32; 50]; 50]>,
    record: Record,
    next: Record,
    /// The numbers, the identifier and the strings of the last turn.
    numbers: [i32; 3],
    identifier: Identifier,
    texts: [Text; 2],
}

impl Work {
    /// Before the first turn.
    pub(crate) fn new() -> Work {
        let record = Record {
            discriminant: Identifier::First,
            component: Identifier::Third,
            number: 40,
            text: *RECORD_TEXT,
        };
        let mut table = Box::new([[0; 50]; 50]);
        table[8][7] = 10;
        Work {
            global: 0,
            is_global: false,
            first: 0,
            second: 0,
            list: [0; 50],
            table,
            next: record.clone(),
            record,
            numbers: [0; 3],
            identifier: Identifier::First,
            texts: [*FIRST_TEXT, [0; 30]],
        }
    }

    /// One turn, of that number.
    pub(crate) fn turn(&mut self, number: i32) {
        self.set_first();
        self.set_second();
        let (mut one, mut two, mut three) = (2, 3, 0);
        self.texts[1] = *black_box(SECOND_TEXT);
        self.identifier = Identifier::Second;
        self.is_global = !self.compare_texts();
        while one < two {
            three = add_two_and(one, two);
            one += 1;
        }
        self.fill(one, three);
        self.change_records();
        let mut character = b'A';
        while character <= self.second {
            let compared = self.compare_characters(character, b'C');
            if self.identifier == compared {
                self.identifier = self.transform(Identifier::First);
                self.texts[1] = *THIRD_TEXT;
                two = number;
                self.global = number;
            }
            character += 1;
        }
        two *= one;
        one = two / three;
        two = 7 * (two - three) - one;
        one = self.count_down(one);
        self.numbers = [one, two, three];
    }

    #[inline(never)]
    fn set_first(&mut self) {
        self.first = b'A';
        self.is_global = false;
    }

    #[inline(never)]
    fn set_second(&mut self) {
        let is_first = self.first == b'A';
        self.is_global |= is_first;
        self.second = b'B';
    }

    /// Whether the first text is greater than the second, after a comparison of single characters.
    #[inline(never)]
    fn compare_texts(&mut self) -> bool {
        let mut place = 2;
        let mut character = 0;
        while place <= 2 {
            let (one, two) = (self.texts[0][place], self.texts[1][place + 1]);
            if self.compare_characters(one, two) == Identifier::First {
                character = b'A';
                place += 1;
            }
        }
        if (b'W'..b'Z').contains(&character) {
            place = 7;
        }
        if character == b'R' {
            return true;
        }
        let is_greater = black_box(&self.texts[0]) > black_box(&self.texts[1]);
        if is_greater {
            self.global = place as i32 + 7;
        }
        is_greater
    }

    #[inline(never)]
    fn compare_characters(&mut self, one: u8, two: u8) -> Identifier {
        if black_box(one) != two {
            return Identifier::First;
        }
        self.first = one;
        Identifier::Second
    }

    #[inline(never)]
    fn fill(&mut self, one: i32, two: i32) {
        let place = one as usize + 5;
        self.list[place] = two;
        self.list[place + 1] = self.list[place];
        self.list[place + 30] = place as i32;
        for column in place..=place + 1 {
            self.table[place][column] = place as i32;
        }
        self.table[place][place - 1] += 1;
        self.table[place + 20][place] = self.list[place];
        self.global = 5;
    }

    #[inline(never)]
    fn change_records(&mut self) {
        self.next = black_box(&self.record).clone();
        self.record.number = 5;
        self.next.number = self.record.number;
        self.set_number_of_next();
        if self.next.discriminant == Identifier::First {
            self.next.number = 6;
            self.next.component = self.transform(self.record.component);
            self.next.number = add_two_and(self.next.number, 10);
        } else {
            self.record = self.next.clone();
        }
        self.record.number = add_two_and(10, self.global);
    }

    #[inline(never)]
    fn set_number_of_next(&mut self) {
        self.next.number = add_two_and(10, self.global);
    }

    #[inline(never)]
    fn transform(&self, identifier: Identifier) -> Identifier {
        let result = if is_third(identifier) {
            identifier
        } else {
            Identifier::Fourth
        };
        match identifier {
            Identifier::First => Identifier::First,
            Identifier::Second if self.global > 100 => Identifier::First,
            Identifier::Second => Identifier::Fourth,
            Identifier::Third => Identifier::Second,
            Identifier::Fourth => result,
            Identifier::Fifth => Identifier::Third,
        }
    }

    #[inline(never)]
    fn count_down(&self, number: i32) -> i32 {
        let counted = number + 10;
        if self.first == b'A' {
            counted - 1 - self.global
        } else {
            counted
        }
    }

    /// What is not as it must be after so many turns.
    pub(crate) fn first_wrong(&self, turns: i32) -> Option<&'static str> {
        let facts = [
            (self.global == 5, "the global number"),
            (self.is_global, "the global truth value"),
            ((self.first, self.second) == (b'A', b'B'), "the global characters"),
            (self.list[8] == 7, "the list"),
            (self.table[8][7] == turns + 10, "the table"),
            (
                self.record.discriminant == Identifier::First,
                "the record's discriminant",
            ),
            (
                self.record.component == Identifier::Third,
                "the record's component",
            ),
            (self.record.number == 17, "the record's number"),
            (
                self.next.component == Identifier::Second,
                "the next record's component",
            ),
            (self.next.number == 18, "the next record's number"),
            (self.next.text == *RECORD_TEXT, "the next record's text"),
            (self.numbers == [5, 13, 7], "the numbers"),
            (self.identifier == Identifier::Second, "the identifier"),
            (self.texts == [*FIRST_TEXT, *SECOND_TEXT], "the texts"),
        ];
        facts.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
    }
}

#[inline(never)]
fn add_two_and(one: i32, two: i32) -> i32 {
    black_box(one) + 2 + two
}

#[inline(never)]
fn is_third(identifier: Identifier) -> bool {
    black_box(identifier) == Identifier::Third
}
