//! A laboratory in memory: machine 0 and machine 1, each with a directory server, a disk and a file server.

use crate::engine::Unreachable;
use crate::engine::recovery::Next;
use crate::make::{Identity, Made, NewDirectory, make};
use crate::{Disk, Engine, Files, Message, Outcome, World};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use proto::capability::{Capability, Port, Private, Rights};
use proto::message::Header;
use proto::soap::super_file::BLOCK;
use proto::standard::Status;

/// When the power goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// At which write.
    pub(super) at: u32,
    /// Whether this write is still done.
    pub(super) is_done: bool,
    /// Whether it goes everywhere, or only where the write is.
    pub(super) is_everywhere: bool,
    /// Whether a block of entries that was being written cannot be read afterwards.
    pub(super) is_torn: bool,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) files: BTreeMap<u32, (Port, Vec<u8>)>,
    made: u32,
    pub(super) touched: u32,
}

/// What machines and the network are like.
pub(super) struct State {
    pub(super) disks: [Vec<[u8; BLOCK]>; 2],
    pub(super) stores: [Store; 2],
    /// Whether each machine has power, and each store listens.
    pub(super) is_on: [bool; 2],
    pub(super) store_listens: [bool; 2],
    /// Whether each machine's disk refuses to write.
    pub(super) disk_fails: [bool; 2],
    /// Of each machine's disk, blocks that cannot be read until they are written.
    pub(super) unreadable: [BTreeSet<u32>; 2],
    pub(super) writes: u32,
    pub(super) cut: Option<Cut>,
    /// Of so many thousand messages so many are lost.
    pub(super) lost: u64,
    random: u64,
    pub(super) seconds: u32,
}

impl State {
    fn random(&mut self) -> u64 {
        // Xorshift: any numbers will do here.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// A write on a machine: whether it is done. The power may go now.
    fn write(&mut self, machine: usize) -> bool {
        if !self.is_on[machine] {
            return false;
        }
        self.writes += 1;
        let Some(cut) = self.cut.filter(|cut| cut.at == self.writes) else {
            return true;
        };
        self.is_on[machine] = false;
        if cut.is_everywhere {
            self.is_on = [false; 2];
        }
        cut.is_done
    }

    fn store(&mut self, store: usize) -> Result<&mut Store, Status> {
        if self.is_on[store] && self.store_listens[store] {
            Ok(&mut self.stores[store])
        } else {
            Err(Status::RpcNotFound)
        }
    }
}

fn store_port(store: usize) -> Port {
    Port([0xb0 + store as u8; 6])
}

/// What a server sees of it.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) number: usize,
    pub(super) state: Rc<RefCell<State>>,
}

impl Disk for Machine {
    fn read_block(&mut self, number: u32, block: &mut [u8; BLOCK]) -> Result<(), Status> {
        let state = self.state.borrow();
        if state.unreadable[self.number].contains(&number) {
            return Err(Status::SystemError);
        }
        let blocks = &state.disks[self.number];
        *block = *blocks.get(number as usize).ok_or(Status::BadArgument)?;
        Ok(())
    }

    fn write_block(&mut self, number: u32, block: &[u8; BLOCK]) -> Result<(), Status> {
        let mut state = self.state.borrow_mut();
        if state.disk_fails[self.number] {
            return Err(Status::SystemError);
        }
        let tears = state.cut.is_some_and(|cut| cut.is_torn) && state.is_on[self.number] && number != 0;
        if state.write(self.number) {
            state.disks[self.number][number as usize] = *block;
            state.unreadable[self.number].remove(&number);
        } else if tears {
            state.unreadable[self.number].insert(number);
        }
        if state.is_on[self.number] {
            Ok(())
        } else {
            Err(Status::SystemError)
        }
    }
}

impl Machine {
    fn file(&self, file: &Capability) -> Result<Vec<u8>, Status> {
        let mut state = self.state.borrow_mut();
        let store = usize::from(file.port == store_port(1));
        let files = &state.store(store)?.files;
        let (check, bytes) = files.get(&file.private.object()).ok_or(Status::BadCapability)?;
        file.private.proven_rights(*check).ok_or(Status::BadCapability)?;
        Ok(bytes.clone())
    }
}

impl Files for Machine {
    fn create(&mut self, store: usize, contents: &[u8]) -> Result<Capability, Status> {
        let mut state = self.state.borrow_mut();
        state.store(store)?;
        let is_done = state.write(store);
        let check = Port(state.random().to_le_bytes()[..6].try_into().expect("six bytes"));
        let files = &mut state.stores[store];
        files.made += 1;
        let object = files.made;
        if is_done {
            files.files.insert(object, (check, contents.to_vec()));
        }
        state.store(store)?;
        Ok(Capability {
            port: store_port(store),
            private: Private::owner(object, check),
        })
    }

    fn read(&mut self, file: &Capability) -> Result<Vec<u8>, Status> {
        self.file(file)
    }

    fn destroy(&mut self, file: &Capability) {
        if self.file(file).is_ok() {
            let mut state = self.state.borrow_mut();
            let store = usize::from(file.port == store_port(1));
            if state.write(store) {
                state.stores[store].files.remove(&file.private.object());
            }
        }
    }

    fn touch(&mut self, file: &Capability) -> Result<(), Status> {
        self.file(file)?;
        let store = usize::from(file.port == store_port(1));
        self.state.borrow_mut().stores[store].touched += 1;
        Ok(())
    }

    fn set_store(&mut self, _store: usize, _server: &Capability) {}
}

impl World for Machine {
    fn seconds(&mut self) -> u32 {
        self.state.borrow().seconds
    }

    fn random(&mut self) -> Result<Port, Status> {
        let bytes = self.state.borrow_mut().random().to_le_bytes();
        Ok(Port(bytes[..6].try_into().expect("six bytes")))
    }
}

/// The laboratory.
pub(super) struct Lab {
    pub(super) state: Rc<RefCell<State>>,
    pub(super) engines: [Option<Engine<Machine>>; 2],
    pub(super) root: Capability,
    pub(super) server: Capability,
}

pub(super) const COLUMNS: [&[u8]; 3] = [b"owner", b"group", b"other"];

pub(super) fn empty_directory() -> NewDirectory {
    NewDirectory {
        columns: COLUMNS.iter().map(|name| name.to_vec()).collect(),
        rows: Vec::new(),
    }
}

pub(super) fn identity(servers: usize) -> Identity {
    let private = |number: u8| Some((Port([0x50 + number; 6]), Port([0x60 + number; 6])));
    Identity {
        public: Port([0x70; 6]),
        check: Port([0x71; 6]),
        private: [private(0), private(1).filter(|_| servers == 2)],
    }
}

impl Lab {
    /// So many servers, with super files of so many blocks and an empty root, that serve.
    pub(super) fn new(servers: usize, blocks: u16) -> Lab {
        let mut lab = Lab::made(servers, blocks, &[empty_directory()]).0;
        lab.switch_on(0);
        if servers == 2 {
            lab.switch_on(1);
        }
        lab.recover();
        lab
    }

    /// One server with an empty root, whose service has another port.
    pub(super) fn with_public_port(public: Port) -> Lab {
        let identity = Identity {
            public,
            ..identity(1)
        };
        let mut lab = Lab::made_as(&identity, 1, 3, &[empty_directory()]).0;
        lab.switch_on(0);
        lab
    }

    /// So many servers without power, with these directories.
    pub(super) fn made(servers: usize, blocks: u16, directories: &[NewDirectory]) -> (Lab, Made) {
        Lab::made_as(&identity(servers), servers, blocks, directories)
    }

    fn made_as(
        identity: &Identity,
        servers: usize,
        blocks: u16,
        directories: &[NewDirectory],
    ) -> (Lab, Made) {
        let state = Rc::new(RefCell::new(State {
            disks: [vec![[0; BLOCK]; blocks.into()], vec![[0; BLOCK]; blocks.into()]],
            stores: [Store::default(), Store::default()],
            is_on: [true; 2],
            store_listens: [true; 2],
            disk_fails: [false; 2],
            unreadable: [BTreeSet::new(), BTreeSet::new()],
            writes: 0,
            cut: None,
            lost: 0,
            random: 0x1234_5678_9abc_def1,
            seconds: 800_000_000,
        }));
        let machine = |number| Machine {
            number,
            state: Rc::clone(&state),
        };
        let mut files = machine(0);
        let mut chance = machine(0);
        let random = || chance.random().expect("there is always one");
        let made = make(identity, blocks, directories, (&mut files, servers), 1, random);
        let made = made.expect("the directories can be made");
        (0..servers).for_each(|number| made.write(&mut machine(number)).expect("the disk is on"));
        state.borrow_mut().is_on = [false; 2];
        state.borrow_mut().writes = 0;
        let lab = Lab {
            root: made.directories[0],
            server: made.server,
            engines: [None, None],
            state,
        };
        (lab, made)
    }

    pub(super) fn machine(&self, number: usize) -> Machine {
        Machine {
            number,
            state: Rc::clone(&self.state),
        }
    }

    pub(super) fn switch_on(&mut self, number: usize) {
        self.state.borrow_mut().is_on[number] = true;
        let engine = Engine::start(self.machine(number), number);
        self.engines[number] = Some(engine.expect("the super file can be used"));
    }

    pub(super) fn switch_off(&mut self, number: usize) {
        self.state.borrow_mut().is_on[number] = false;
        self.engines[number] = None;
    }

    /// Servers whose machines have lost their power are gone.
    pub(super) fn notice(&mut self) {
        for number in 0..2 {
            if !self.state.borrow().is_on[number] {
                self.engines[number] = None;
            }
        }
    }

    pub(super) fn engine(&mut self, number: usize) -> &mut Engine<Machine> {
        self.engines[number].as_mut().expect("the server is on")
    }

    fn is_lost(&self) -> bool {
        let mut state = self.state.borrow_mut();
        state.lost > 0 && state.random() % 1000 < state.lost
    }

    /// Asks the other server, three times at most.
    pub(super) fn ask(&mut self, from: usize, question: &Message) -> Result<Message, Unreachable> {
        for _ in 0..3 {
            if self.is_lost() {
                continue;
            }
            let Some(engine) = &mut self.engines[1 - from] else {
                continue;
            };
            let answer = engine.peer_request(&question.header, &question.data);
            self.notice();
            if self.engines[1 - from].is_some() && !self.is_lost() {
                return Ok(answer);
            }
        }
        Err(Unreachable)
    }

    /// Carries an outcome to its end: the reply, or `None` if the server's machine has lost its power.
    pub(super) fn finish(&mut self, number: usize, outcome: Outcome) -> Option<Message> {
        self.notice();
        let mut outcome = outcome;
        loop {
            let engine = self.engines[number].as_mut()?;
            match outcome {
                Outcome::Reply(reply) => {
                    engine.settle();
                    self.notice();
                    return Some(reply);
                }
                Outcome::Found(answer) => return Some(answer.reply(restrict)),
                Outcome::Ask(question) | Outcome::AskLater(question) => {
                    let answer = self.ask(number, &question);
                    outcome = self.engines[number].as_mut()?.answered(answer);
                    self.notice();
                }
            }
        }
    }

    /// A client's request to a server.
    pub(super) fn request(&mut self, number: usize, header: &Header, data: &[u8]) -> Option<Message> {
        let outcome = self.engines[number].as_mut()?.request(header, data);
        self.finish(number, outcome)
    }

    /// Lets the servers recover and look after each other, as far as they can.
    pub(super) fn recover(&mut self) {
        for _ in 0..6 {
            for number in 0..2 {
                self.recover_one(number);
                self.tick(number);
            }
        }
    }

    pub(super) fn recover_one(&mut self, number: usize) {
        while let Some(question) = self.engines[number].as_ref().and_then(Engine::recovery_question) {
            let answer = self.ask(number, &question);
            let Some(engine) = &mut self.engines[number] else {
                return;
            };
            let next = engine.recovery_answer(answer);
            self.notice();
            if next == Next::Later {
                return;
            }
        }
    }

    pub(super) fn tick(&mut self, number: usize) {
        if let Some(question) = self.engines[number].as_ref().and_then(Engine::tick_question) {
            let answer = self.ask(number, &question);
            if let Some(engine) = &mut self.engines[number] {
                engine.tick_answer(answer);
            }
        }
    }

    /// Makes second copies until there are none to make, as one round of the program does.
    pub(super) fn copy_files(&mut self, number: usize) {
        for _ in 0..2 {
            self.copy_files_once(number);
        }
    }

    fn copy_files_once(&mut self, number: usize) {
        loop {
            let Some(engine) = &mut self.engines[number] else {
                return;
            };
            let before = engine.table().commit().sequence;
            let outcome = engine.copy_files();
            self.finish(number, outcome);
            let engine = self.engines[number].as_ref();
            if engine.is_none_or(|engine| engine.table().commit().sequence == before) {
                return;
            }
        }
    }
}

/// A server of objects that makes a restricted capability without being able to prove it, for tests to see that it was asked.
pub(super) fn restrict(capability: &Capability, mask: Rights) -> Result<Capability, Status> {
    if capability.port == Port([0xdd; 6]) {
        return Err(Status::RpcNotFound);
    }
    let check = Port([0xaa; 6]);
    let private = Private::owner(capability.private.object(), check);
    let rights = Rights(capability.private.rights.0 & mask.0);
    Ok(Capability {
        private: private.restrict(rights, check),
        ..*capability
    })
}
