//! The owner's side: a thread that is told when processes stop, and answers what the tests say.

use alloc::boxed::Box;
use libamoeba::checkpoint::{Answer, Report, Swap};
use libamoeba::system::mutex::{Mutex, Semaphore};
use libamoeba::system::{Kernel, calls, thread};
use libamoeba::{Transactions, put_port};
use proto::capability::{Capability, Port, Private};
use proto::message::Header;
use proto::process::server::Cause;
use proto::standard::Status;

const STACK: usize = 16 << 10;
const ROOM: usize = 8192;

/// What passes between the thread and the tests.
pub(crate) struct Keeper {
    port: Port,
    report: Mutex<Option<Report>>,
    answer: Mutex<Option<Answer>>,
    swap: Mutex<Option<Swap>>,
    told: Semaphore,
    answered: Semaphore,
    swapped: Semaphore,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start() -> &'static Keeper {
        let time = calls::milliseconds().to_le_bytes();
        let keeper: &'static Keeper = Box::leak(Box::new(Keeper {
            port: Port([b'o', b'w', time[0], time[1], time[2], time[3]]),
            report: Mutex::new(None),
            answer: Mutex::new(None),
            swap: Mutex::new(None),
            told: Semaphore::new(0),
            answered: Semaphore::new(0),
            swapped: Semaphore::new(0),
        }));
        thread::spawn(STACK, move || keeper.serve());
        keeper
    }

    /// The capability that processes are given as their owner.
    pub(crate) fn capability(&self) -> Capability {
        Capability {
            port: put_port(self.port),
            private: Private::owner(1, Port([7; 6])),
        }
    }

    fn serve(&self) {
        let mut data = alloc::vec![0; ROOM];
        loop {
            let Ok((header, length)) = Kernel.getreq(self.port, &mut data) else {
                continue;
            };
            let Some(report) = Report::parse(&header, &data[..length]) else {
                let swap = Swap::parse(&header, &data[..length]);
                let mut reply = Header::default();
                reply.set_status(swap.map_or(Status::BadCommand, |_| Status::Ok));
                if swap.is_some() {
                    *self.swap.lock() = swap;
                    self.swapped.up();
                }
                Kernel.putrep(&reply, &[]);
                continue;
            };
            *self.report.lock() = Some(report);
            self.told.up();
            self.answered.down();
            let answer = self.answer.lock().take().unwrap_or(Answer::Kill);
            let (header, bytes) = answer.reply();
            Kernel.putrep(&header, &bytes);
        }
    }

    /// Waits so many milliseconds for a checkpoint.
    pub(crate) fn wait(&self, milliseconds: i32) -> Option<Report> {
        if !self.told.down_within(milliseconds) {
            return None;
        }
        self.report.lock().take()
    }

    /// Waits for a checkpoint: why the process has stopped, and its descriptor.
    pub(crate) fn expect(&self) -> Option<(Cause, i32, Report)> {
        let report = self.wait(20_000)?;
        Some((report.cause, report.detail, report))
    }

    /// Waits until a process is told to go on as another one.
    pub(crate) fn expect_swap(&self) -> Option<Swap> {
        self.swapped
            .down_within(20_000)
            .then(|| self.swap.lock().take())?
    }

    /// Answers the checkpoint that came last.
    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock() = Some(answer);
        self.answered.up();
    }
}
