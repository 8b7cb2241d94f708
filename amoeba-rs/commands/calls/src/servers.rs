//! Transactions with the kernel's servers.

use alloc::vec;
use libamoeba::system::start::Arguments;
use libamoeba::system::trial::{check, equal};
use libamoeba::system::{Kernel, calls};
use libamoeba::{Transactions, standard};
use proto::capability::{Capability, Port, Rights};
use proto::message::Header;
use proto::process::server::{Command, file};
use proto::standard::Status;

/// A request to an object: the reply's header and length.
fn ask(
    capability: &Capability,
    command: u16,
    offset: i32,
    size: u16,
    data: &[u8],
    reply: &mut [u8],
) -> (Header, usize) {
    let header = Header {
        offset,
        size,
        ..standard::request(capability, command)
    };
    match Kernel.trans(&header, data, reply) {
        Ok(result) => result,
        Err(status) => {
            let mut header = Header::default();
            header.set_status(status);
            (header, 0)
        }
    }
}

pub(crate) fn run(arguments: &Arguments) {
    let (Some(terminal), Some(server)) = (arguments.capability("TTY"), arguments.capability("PROC")) else {
        check(false, "the kernel's servers are in the environment");
        return;
    };
    let mut line = [0; 40];
    let length = standard::info(&mut Kernel, &terminal, &mut line);
    equal(
        length.map(|length| &line[..length]),
        Ok(&b"+ console"[..]),
        "STD_INFO of the console",
    );
    nobody();
    defaults(&server);
    segment(&server);
    own_process();
    others(arguments);
}

/// The servers of time, random bytes and the kernel's own figures.
fn others(arguments: &Arguments) {
    let capability = |name| arguments.capability(name).unwrap_or(Capability::NULL);
    let (reply, _) = ask(&capability("TOD"), 2400, 0, 0, &[], &mut []);
    let seconds = reply.offset;
    check(seconds > 700_000_000, "TOD_GETTIME tells a time after 1992");
    calls::sleep(1000);
    let (reply, _) = ask(&capability("TOD"), 2400, 0, 0, &[], &mut []);
    check((1..=2).contains(&(reply.offset - seconds)), "the time goes on");
    let mut bytes = [[0; 16]; 2];
    for bytes in &mut bytes {
        let (reply, length) = ask(&capability("RANDOM"), 2600, 0, 16, &[], bytes);
        equal(
            (reply.status(), reply.size, length),
            (Some(Status::Ok), 16, 16),
            "GETRANDOM",
        );
    }
    check(bytes[0] != bytes[1], "random bytes differ");
    let mut version = [0; 40];
    let statistics = Header {
        extra: u16::from(b'v'),
        ..standard::request(&capability("SYS"), 2501)
    };
    let length = Kernel
        .trans(&statistics, &[], &mut version)
        .map(|(_, length)| length);
    check(
        version[..length.unwrap_or(0)].starts_with(b"amoeba-rs "),
        "KSTAT of the version",
    );
    let mut printed = vec![0; 30_000];
    let (reply, length) = ask(&capability("SYS"), 2500, 0, 30_000, &[], &mut printed);
    equal(length, 30_000, "PRINTBUF");
    let before = &printed[..usize::try_from(reply.offset).unwrap_or(0)];
    check(
        before.windows(12).any(|line| line == b"kernel ready"),
        "PRINTBUF holds what was printed",
    );
}

fn nobody() {
    let nowhere = Capability {
        port: Port([1, 2, 3, 4, 5, 6]),
        ..Capability::NULL
    };
    calls::timeout(200);
    equal(
        standard::touch(&mut Kernel, &nowhere),
        Err(Status::RpcNotFound),
        "a port nobody listens on",
    );
    calls::timeout(5200);
}

fn defaults(server: &Capability) {
    let (reply, _) = ask(server, Command::GetDefaults.code(), 0, 0, &[], &mut []);
    equal(
        (reply.extra, reply.offset, reply.size),
        (0, 0x8_0000, 12),
        "PS_GETDEF",
    );
    let (reply, _) = ask(server, Command::GetLoad.code(), 0, 0, &[], &mut []);
    check(reply.extra > 0, "PS_GETLOAD tells a speed");
    check(reply.offset > 100_000, "PS_GETLOAD tells free memory");
    let weak = standard::restrict(&mut Kernel, server, Rights(0x01));
    let weak = weak.unwrap_or(Capability::NULL);
    let (reply, _) = ask(&weak, Command::Exec.code(), 0, 0, &[], &mut []);
    equal(reply.status(), Some(Status::Denied), "PS_EXEC without the right");
    let (reply, _) = ask(server, Command::Exec.code(), 0, 0, b"nonsense", &mut []);
    equal(reply.status(), Some(Status::BadArgument), "PS_EXEC of nonsense");
    let (reply, _) = ask(server, 2399, 0, 0, &[], &mut []);
    equal(
        reply.status(),
        Some(Status::BadCommand),
        "a command that there is not",
    );
}

fn segment(server: &Capability) {
    let (reply, _) = ask(server, Command::SegmentCreate.code(), 10_000, 0, &[], &mut []);
    equal(reply.status(), Some(Status::Ok), "PS_SEG_CREATE");
    let segment =
        Capability::parse(&[&reply.port.0[..], &reply.private].concat()).unwrap_or(Capability::NULL);
    let (reply, _) = ask(
        &segment,
        Command::SegmentWrite.code(),
        9_990,
        5,
        b"hello",
        &mut [],
    );
    equal(reply.status(), Some(Status::Ok), "PS_SEG_WRITE");
    let (reply, _) = ask(
        &segment,
        Command::SegmentWrite.code(),
        9_996,
        5,
        b"hello",
        &mut [],
    );
    equal(
        reply.status(),
        Some(Status::BadArgument),
        "PS_SEG_WRITE beyond the end",
    );
    let mut read = [0xff; 20];
    let (reply, length) = ask(&segment, file::READ, 9_988, 20, &[], &mut read);
    equal((reply.size, length), (12, 12), "BS_READ at the end");
    equal(&read[..12], b"\0\0hello\0\0\0\0\0", "BS_READ");
    equal(
        ask(&segment, file::SIZE, 0, 0, &[], &mut []).0.offset,
        10_000,
        "BS_SIZE",
    );
    let destroy = standard_destroy(&segment);
    equal(destroy, Some(Status::Ok), "STD_DESTROY");
    equal(
        standard_destroy(&segment),
        Some(Status::BadCapability),
        "STD_DESTROY twice",
    );
}

fn standard_destroy(capability: &Capability) -> Option<Status> {
    let command = proto::standard::Command::Destroy.code();
    ask(capability, command, 0, 0, &[], &mut []).0.status()
}

fn own_process() {
    let (own, _) = calls::info(&mut [0; 4096]);
    let mut line = [0; 60];
    let length = standard::info(&mut Kernel, &own, &mut line);
    equal(
        length.map(|length| &line[..length]),
        Ok(&b"! Run: calls"[..]),
        "STD_INFO of a process",
    );
    let (reply, _) = ask(&own, Command::SetComment.code(), 0, 0, b"a test\0", &mut []);
    equal(reply.status(), Some(Status::Ok), "PS_SETCOMMENT");
    let (_, length) = ask(&own, Command::GetComment.code(), 0, 40, &[], &mut line);
    equal(&line[..length], b"a test\0", "PS_GETCOMMENT");
    let (reply, _) = ask(&own, Command::SetComment.code(), 0, 0, &[b'x'; 32], &mut []);
    equal(
        reply.status(),
        Some(Status::BadArgument),
        "PS_SETCOMMENT of 32 characters",
    );
    ask(&own, Command::SetComment.code(), 0, 0, b"calls\0", &mut []);
}
