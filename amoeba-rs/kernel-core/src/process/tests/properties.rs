use super::{DATA, FREE, PAGES, STACK, TEXT, World, owner};
use crate::machine::Machine;
use crate::memory::PAGE;
use crate::process::{Event, ThreadId};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proto::capability::Capability;
use proto::message::Header;
use proto::standard::Status;
use proto::system_call::Call;
use std::vec;
use std::vec::Vec;

/// An argument that may hit something.
fn argument() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(DATA),
        (0..3 * PAGE).prop_map(|offset| DATA + offset),
        (0..5 * PAGE).prop_map(|offset| STACK - PAGE + offset),
        Just(TEXT),
        Just(FREE),
        (0..20_u32).prop_map(|page| FREE + page * PAGE),
        0..300_u32,
        Just(0x321),
        (1..30_u32).prop_map(|pages| pages * PAGE),
        any::<u32>(),
    ]
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        (0..Call::ALL.len()).prop_map(|place| Call::ALL[place].code()),
        0..60_u32
    ]
}

/// Carries out what comes from outside, by the bits of `choice`.
fn answer(world: &mut World, event: Event, choice: u8) {
    let result = if choice & 1 == 0 {
        Ok((Header::default(), 0))
    } else {
        Err(Status::RpcFailure)
    };
    match event {
        Event::Transaction(thread, _) | Event::Request(thread, _) | Event::Reply(thread, ..)
            if choice & 2 == 0 =>
        {
            world.processes.complete(&mut world.machine, thread, result);
        }
        Event::Checkpoint(told) if choice & 4 == 0 => {
            let answer = if choice & 1 == 0 {
                Ok(&told.descriptor[..])
            } else {
                Err(Status::Denied)
            };
            world
                .processes
                .answer_checkpoint(told.process, told.number, answer);
        }
        Event::Fetch(fetch) => {
            world
                .processes
                .fetched(&mut world.machine, &fetch, result.map(|_| ()));
        }
        _ => {}
    }
}

proptest! {
    /// Whatever programs do, the kernel goes on, and what it keeps agrees with itself.
    #[test]
    fn no_program_harms_the_kernel(
        steps in proptest::collection::vec((number(), proptest::array::uniform4(argument()), any::<u8>()), 1..120),
    ) {
        let mut world = World::new();
        world.exec(owner(), 2);
        world.exec(Capability::NULL, 1);
        for (number, arguments, choice) in steps {
            world.pass(u64::from(choice));
            let Some(thread) = world.processes.next(world.now) else {
                let slots: Vec<u16> = world.processes.list().map(|(slot, _)| slot).collect();
                for slot in slots {
                    let _ = world.processes.stun(&mut world.machine, slot, i32::from(choice.cast_signed()));
                }
                continue;
            };
            let mut frame = *world.processes.frame(thread);
            frame.trap = if choice < 250 { 57 } else { u32::from(choice - 250) * 3 };
            frame.esi = number;
            [frame.ebx, frame.ecx, frame.edx, frame.edi] = arguments;
            world.processes.set_frame(thread, &frame);
            world.processes.trap(&mut world.machine, thread, world.now);
            for event in world.events() {
                answer(&mut world, event, choice);
            }
            consistent(&world)?;
        }
        // Whoever is left ends, and then all memory but that of segments that were mapped out is free.
        let slots: Vec<u16> = world.processes.list().map(|(slot, _)| slot).collect();
        for slot in slots {
            world.processes.set_owner(slot, Capability::NULL);
            for _ in 0..2 {
                if world.processes.check(slot).is_some() {
                    let _ = world.processes.stun(&mut world.machine, slot, -1);
                }
            }
        }
        world.events();
        let kept: Vec<u16> = world.processes.segments().numbers().collect();
        if world.processes.list().count() == 0 {
            for number in kept {
                world.processes.segments_mut().destroy(&mut world.machine, number);
            }
            prop_assert_eq!(world.machine.free_pages(), PAGES);
        }
    }
}

/// A thread that runs waits for nothing, and everything it may reach belongs to segments.
fn consistent(world: &World) -> Result<(), proptest::test_runner::TestCaseError> {
    for (slot, _) in world.processes.list() {
        let process = world.processes.process(slot);
        for thread in &process.ready {
            let thread = world.processes.thread(ThreadId {
                process: slot,
                thread: *thread,
            });
            prop_assert!(thread.wait.is_none());
            prop_assert_eq!((thread.frame.cs, thread.frame.ss), (0x2b, 0x23));
        }
        for mapping in process.mappings.iter().flatten() {
            let segment = world.processes.segments.get(mapping.segment);
            let directory = process.space.directory();
            for offset in (0..segment.pages() * PAGE).step_by(PAGE as usize) {
                let seen = world.machine.walk(directory, mapping.address + offset);
                prop_assert_eq!(seen, Some((segment.start() + offset, mapping.kind.is_writable())));
            }
        }
    }
    Ok(())
}
