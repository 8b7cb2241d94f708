//! Time on one machine: the timer's interrupts through the interrupt controllers, halted and busy.

use std::sync::Arc;

use clock::{Instant, Rate, Span};
use iced_x86::IcedError;
use iced_x86::code_asm::{CodeAssembler, al, cl, eax, ebx, ecx};
use machines::runtime::Runtime;
use tests::{
    Memory, build, guest, handle, lab, output, pcs, post, prepare_interrupts, run_for, runtime, sleep,
    start_timer,
};

/// The 8254's clock.
const TIMER: Rate = Rate::hertz(1_193_182);
/// A divisor for 100 Hz, as kernels program it.
const HUNDRED_HERTZ: u16 = 11_932;
/// The codes of [`ticking`].
const TICK: u8 = 0x20;
const SPURIOUS: u8 = 0x77;

/// Takes the timer's interrupts at `divisor` while it does `otherwise`; posts a code at each, and another at one that
/// nobody has asked for.
fn ticking(divisor: u16, otherwise: fn(&mut CodeAssembler) -> Result<(), IcedError>) -> Arc<[u8]> {
    guest(|a| {
        let spurious = |a: &mut CodeAssembler| {
            a.mov(al, u32::from(SPURIOUS))?;
            post(a)?;
            a.iretd()
        };
        prepare_interrupts(a, 1)?;
        handle(a, 0x0F, spurious)?;
        handle(a, 0x77, spurious)?;
        handle(a, 0x08, |a| {
            a.push(eax)?;
            a.mov(al, u32::from(TICK))?;
            post(a)?;
            a.out(0x20, al)?;
            a.pop(eax)?;
            a.iretd()
        })?;
        start_timer(a, divisor)?;
        a.sti()?;
        otherwise(a)
    })
}

/// Divides for ever: no instruction of a 386 is interrupted later than a long one.
fn divide(a: &mut CodeAssembler) -> Result<(), IcedError> {
    let mut again = a.create_label();
    a.mov(ecx, 3)?;
    a.set_label(&mut again)?;
    a.mov(eax, 0x1234_5678)?;
    a.cdq()?;
    a.idiv(ecx)?;
    a.shl(ebx, cl)?;
    a.jmp(again)
}

fn run(kernel: Arc<[u8]>, span: Span) -> Memory {
    run_for(&mut runtime(&lab(&pcs(1, 1)), &[kernel]), span, 1).1
}

#[test]
fn counter_0_at_100_hz_interrupts_99_times_in_its_first_second() {
    let memory = run(ticking(HUNDRED_HERTZ, sleep), Span::from_milliseconds(1_001));
    // 1193182 / 11932 = 99.998.
    assert_eq!(memory.codes(0), [TICK; 100]);
    let first = memory.posts(0)[0].0;
    let started = first - TIMER.span(u64::from(HUNDRED_HERTZ));
    let within = |&(at, _): &(Instant, u8)| at.since(started) < Span::from_seconds(1);
    assert_eq!(memory.posts(0).iter().filter(|post| within(post)).count(), 99);
}

/// The spread of the delays of all ticks behind the timer's edges, but for the first, which fills the cache.
fn jitter(memory: &Memory, divisor: u16) -> u64 {
    let posts = memory.posts(0);
    assert!(posts.len() > 900, "only {} ticks", posts.len());
    assert!(posts.iter().all(|&(_, code)| code == TICK));
    let edge = |n: usize| TIMER.span(n as u64 * u64::from(divisor));
    let delays = || {
        let ticks = posts.iter().enumerate().skip(1);
        ticks.map(|(n, (at, _))| (*at - edge(n)).nanoseconds())
    };
    delays().max().unwrap_or(0) - delays().min().unwrap_or(0)
}

#[test]
fn a_halted_machine_wakes_exactly_at_the_timers_edge() {
    let memory = run(ticking(1193, sleep), Span::from_seconds(1));
    // What is left is the ISA bus's clock (125 ns), which the acknowledge cycles and the POST wait for.
    let jitter = jitter(&memory, 1193);
    assert!(jitter <= 125 + 25, "{jitter} ns");
}

#[test]
fn a_busy_machine_takes_an_interrupt_within_its_longest_instruction() {
    let memory = run(ticking(1193, divide), Span::from_seconds(1));
    // IDIV takes 43 clocks of 25 ns, a jump up to 10 more.
    let jitter = jitter(&memory, 1193);
    assert!((300..=125 + 25 * 55).contains(&jitter), "{jitter} ns");
}

#[test]
fn a_timer_faster_than_its_handler_neither_hangs_nor_loses_the_machine() {
    for divisor in [1, 2, 3] {
        let memory = run(ticking(divisor, sleep), Span::from_milliseconds(5));
        let ticks = memory.codes(0).len();
        assert!(ticks > 300 || divisor == 1, "divisor {divisor}: {ticks} ticks");
    }
}

#[test]
fn a_machine_with_interrupts_on_and_nothing_to_do_costs_no_instructions() {
    let kernel = guest(|a| {
        output(a, 0x21, 0xFF)?;
        sleep(a)
    });
    let mut runtime = runtime(&lab(&pcs(1, 1)), &[kernel]);
    let mut counts = [0; 2];
    for (count, seconds) in counts.iter_mut().zip([1, 100]) {
        let _ = run_for(&mut runtime, Span::from_seconds(seconds), 1);
        let statistics = &runtime.statistics().machines[0];
        assert_eq!(
            statistics.cycles,
            40_000_000 * runtime.now().nanoseconds() / 1_000_000_000
        );
        *count = statistics.instructions;
    }
    assert_eq!(counts, [5, 5]);
}

#[test]
fn a_machine_without_cards_runs_in_a_lab_without_cables() {
    let text = pcs(1, 1);
    let cards = text.find("[[machine.pc.card]]").expect("a card");
    let text = text[..cards]
        .replace("[segment.ether0]\nkind = \"10base2\"\nlength = \"30m\"\n", "")
        .replace("nic = { mac = \"02:60:8c:00:00:01\" }\n", "");
    let mut runtime = runtime(&lab(&text), &[ticking(1193, sleep)]);
    let (_, memory) = run_for(&mut runtime, Span::from_milliseconds(20), 2);
    assert_eq!(memory.codes(0), [TICK; 19]);
}

/// Instructions of this project's kernel for a tick of its clock, on a machine that is left alone, with `modules` beside it.
fn instructions_of_an_idle_tick(modules: &str) -> u64 {
    const SECONDS: u64 = 20;
    let text =
        pcs(1, 1).replace("image = \"kernel\" }", "image = \"kernel\", args = \"peers=0\" }") + modules;
    let mut runtime = build(&lab(&text));
    let (_, booted) = run_for(&mut runtime, Span::from_seconds(2), 1);
    assert!(
        booted.console(0).contains("kernel ready"),
        "{}",
        booted.console(0)
    );
    let counts = |runtime: &Runtime| {
        let machine = &runtime.statistics().machines[0];
        (machine.instructions, machine.interrupts)
    };
    let before = counts(&runtime);
    let _ = run_for(&mut runtime, Span::from_seconds(SECONDS), 1);
    let after = counts(&runtime);
    let ticks = after.1 - before.1;
    assert!(
        (SECONDS * 100 - 1..=SECONDS * 100).contains(&ticks),
        "{ticks} ticks"
    );
    (after.0 - before.0) / ticks
}

#[test]
fn an_idle_kernel_only_counts_the_ticks_of_its_clock() {
    let alone = instructions_of_an_idle_tick("");
    assert!((30..120).contains(&alone), "{alone} instructions a tick");
    let module = "[[machine.pc.module]]\nimage = \"rpc_server\"\nargs = \"perf 30000\"\n\
                  [image.rpc_server]\npath = \"builtin:rpc_server\"\n";
    // Ten times a second it looks whether a thread of the server has slept long enough.
    let with_a_server = instructions_of_an_idle_tick(module);
    assert!(
        (30..300).contains(&with_a_server),
        "{with_a_server} instructions a tick"
    );
}
