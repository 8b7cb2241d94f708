//! The beginning of a program: from the stack that whoever started it has built, to its `main`.

use super::console;
use core::ffi::CStr;
use core::ffi::c_char;
use proto::capability::{CAPABILITY_LENGTH, Capability};

/// What the start routine finds at its stack pointer.
#[derive(Debug)]
#[repr(C)]
struct Start {
    count: usize,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    capabilities: *const [*const u8; 2],
}

/// What a program has been given: arguments, an environment, and an environment of capabilities.
#[derive(Debug)]
pub struct Arguments(&'static Start);

/// The strings of an array that ends with a null pointer; one that is no text counts as empty.
///
/// # Safety
/// `array` leads to such an array, which lives as long as the program.
unsafe fn strings(array: *const *const c_char) -> impl Iterator<Item = &'static str> {
    // Nothing behind the null pointer may be looked at, however often it is asked for.
    let texts = (0..).map_while(move |place| {
        // SAFETY: the array goes on at least up to its null pointer, and its pointers lead to strings.
        unsafe {
            let text = *array.add(place);
            (!text.is_null()).then(|| CStr::from_ptr(text).to_str().unwrap_or_default())
        }
    });
    texts.fuse()
}

impl Arguments {
    /// The program's name and its arguments.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        // SAFETY: who started the program built the array.
        unsafe { strings(self.0.arguments) }
    }

    /// The environment.
    pub fn environment(&self) -> impl Iterator<Item = &'static str> {
        // SAFETY: who started the program built the array.
        unsafe { strings(self.0.environment) }
    }

    /// The value of a variable of the environment, which is written `NAME=value`.
    pub fn variable(&self, name: &str) -> Option<&'static str> {
        let mut variables = self.environment().filter_map(|text| text.split_once('='));
        variables.find_map(|(found, value)| (found == name).then_some(value))
    }

    /// How many words there are, by the number that came with them.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// The capability of a stream (`STDIN`, `STDOUT`, `STDERR`), or else of the program's terminal, or else the null one.
    pub fn stream(&self, name: &str) -> Capability {
        let found = self.capability(name).or_else(|| self.capability("TTY"));
        found.unwrap_or(Capability::NULL)
    }

    /// The environment of capabilities.
    pub fn capabilities(&self) -> impl Iterator<Item = (&'static str, Capability)> {
        let array = self.0.capabilities;
        let pairs = (0..).map_while(move |place| {
            // SAFETY: the array goes on at least up to its pair of null pointers; a name is a string, and a value has
            // as many bytes as a capability.
            unsafe {
                let [text, value] = *array.add(place);
                (!text.is_null()).then(|| {
                    let name = CStr::from_ptr(text.cast()).to_str().unwrap_or_default();
                    let value = &*value.cast::<[u8; CAPABILITY_LENGTH]>();
                    (name, Capability::from_bytes(value))
                })
            }
        });
        pairs.fuse()
    }

    /// What a text refers to: a capability in writing ([`proto::capability_text`]), or the name of one that the program was given.
    pub fn reference(&self, text: &str) -> Option<Capability> {
        proto::capability_text::parse(text).or_else(|| self.capability(text))
    }

    /// A capability by its name.
    pub fn capability(&self, name: &str) -> Option<Capability> {
        let mut capabilities = self.capabilities();
        capabilities.find_map(|(found, value)| (found == name).then_some(value))
    }
}

/// What a program's start routine calls, with what it found at its stack pointer.
///
/// # Safety
/// `start` leads to what whoever started the program built.
pub unsafe fn run(start: *const u8, main: fn(&Arguments) -> i32) -> ! {
    // SAFETY: the caller has promised it.
    let arguments = Arguments(unsafe { &*start.cast::<Start>() });
    console::set(&arguments.stream("STDOUT"), &arguments.stream("STDERR"));
    let status = main(&arguments);
    console::flush();
    super::calls::exit(status)
}

/// Makes `$main`, a `fn(&Arguments) -> i32`, the program's beginning: what it gives is the exit status. A panic is
/// printed, and the process gives up with an exception.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        core::arch::global_asm!(
            ".pushsection .text.start, \"ax\"",
            ".globl start",
            "start:",
            "xorl %ebp, %ebp",
            "movl %esp, %eax",
            "pushl %eax",
            "call {enter}",
            ".popsection",
            enter = sym __enter,
            options(att_syntax),
        );

        extern "C" fn __enter(start: *const u8) -> ! {
            // SAFETY: this is the stack pointer with which the program was started.
            unsafe { $crate::system::start::run(start, $main) }
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo) -> ! {
            $crate::eprintln!("{info}");
            $crate::system::calls::exit(-1)
        }
    };
}
