//! Commands on texts.

use super::{Outcome, Session, Stopped, USAGE};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use libamoeba::stream::Input;
use libamoeba::system::{Kernel, calls};
use libamoeba::{eprintln, explain};
use utilities::count::Count;
use utilities::expression::Expression;
use utilities::sort::Order;
use utilities::tail::{self, Start};

/// Gives all of a stream to an action, block by block; an error is told.
fn each(
    session: &mut Session<'_>,
    name: &str,
    input: &mut Input,
    mut action: impl FnMut(&mut Session<'_>, &[u8]) -> Outcome,
) -> Outcome {
    loop {
        let length = match input.fill(&mut Kernel) {
            Ok([]) => return Ok(()),
            Ok(block) => {
                action(session, block)?;
                block.len()
            }
            Err(status) => {
                session.fail(name, status);
                return Ok(());
            }
        };
        input.take(length);
    }
}

/// `cat [FILE]...`
pub(super) fn cat(session: &mut Session<'_>) -> Outcome {
    let options = session.options("u", (0, usize::MAX), "[-u] [file]...")?;
    for (name, mut input) in session.inputs(&options.operands) {
        each(session, name, &mut input, |session, block| {
            session.write(block)?;
            if options.has('u') {
                session.output.flush(&mut Kernel).map_err(|_| Stopped)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// `echo [-n] [WORD]...`
pub(super) fn echo(session: &mut Session<'_>) -> Outcome {
    let words = core::mem::take(&mut session.words);
    let (words, end) = match words.split_first() {
        Some((first, rest)) if *first == "-n" => (rest, ""),
        _ => (words.as_slice(), "\n"),
    };
    session.print(format_args!("{}{end}", words.join(" ")))
}

/// `wc [-clw] [FILE]...`
pub(super) fn count(session: &mut Session<'_>) -> Outcome {
    let options = session.options("clw", (0, usize::MAX), "[-clw] [file]...")?;
    let shows_all = !['c', 'l', 'w'].iter().any(|letter| options.has(*letter));
    let tell = |session: &mut Session<'_>, count: &Count, name: &str| {
        let mut line = String::new();
        for (letter, number) in [('l', count.lines), ('w', count.words), ('c', count.bytes)] {
            if shows_all || options.has(letter) {
                line += &format!("{number:8}");
            }
        }
        let name = if name == "-" {
            String::new()
        } else {
            format!(" {name}")
        };
        session.print(format_args!("{line}{name}\n"))
    };
    let inputs = session.inputs(&options.operands);
    let is_several = options.operands.len() > 1;
    let mut total = Count::default();
    for (name, mut input) in inputs {
        let mut count = Count::default();
        each(session, name, &mut input, |_, block| {
            count.add(block);
            Ok(())
        })?;
        tell(session, &count, name)?;
        total += count;
    }
    if is_several {
        tell(session, &total, "total")?;
    }
    Ok(())
}

/// All of several streams.
fn all(session: &mut Session<'_>, paths: &[&'static str]) -> Result<Vec<u8>, Stopped> {
    let mut text = Vec::new();
    for (name, mut input) in session.inputs(paths) {
        // The last line of each file is one, whether it ends or not.
        if text.last().is_some_and(|byte| *byte != b'\n') {
            text.push(b'\n');
        }
        each(session, name, &mut input, |_, block| {
            text.extend_from_slice(block);
            Ok(())
        })?;
    }
    Ok(text)
}

/// `sort [-fnru] [-k FIELD] [FILE]...`
pub(super) fn sort(session: &mut Session<'_>) -> Outcome {
    let usage = "[-fnru] [-k field] [file]...";
    let options = session.options("fnruk:", (0, usize::MAX), usage)?;
    let field = match options.value('k').map(str::parse::<usize>) {
        None => None,
        Some(Ok(field)) if field > 0 => Some(field),
        Some(_) => return Err(session.usage(usage)),
    };
    let order = Order {
        is_numeric: options.has('n'),
        is_reverse: options.has('r'),
        is_unique: options.has('u'),
        folds: options.has('f'),
        field,
    };
    let text = all(session, &options.operands)?;
    for line in utilities::sort::sort(&text, order) {
        session.write(line)?;
        session.write(b"\n")?;
    }
    Ok(())
}

/// `tail [-c NUMBER | -n NUMBER | -NUMBER | +NUMBER] [FILE]`
pub(super) fn tail(session: &mut Session<'_>) -> Outcome {
    let usage = "[-c number | -n number] [file]";
    // The old way of saying it.
    if let Some(first) = session
        .words
        .first()
        .filter(|word| word.len() > 1 && !word.starts_with("-n"))
        && let Some(start) = Start::parse(first).filter(|_| first.starts_with(['-', '+']))
    {
        session.words.remove(0);
        return end(session, start, false, usage);
    }
    let options = session.options("c:n:", (0, 1), usage)?;
    let (value, are_bytes) = match options.value('c') {
        Some(value) => (value, true),
        None => (options.value('n').unwrap_or("10"), false),
    };
    let Some(start) = Start::parse(value) else {
        return Err(session.usage(usage));
    };
    session.words = options.operands;
    end(session, start, are_bytes, usage)
}

fn end(session: &mut Session<'_>, start: Start, are_bytes: bool, usage: &str) -> Outcome {
    let options = session.options("", (0, 1), usage)?;
    let text = all(session, &options.operands)?;
    let end = if are_bytes {
        tail::bytes(&text, start)
    } else {
        tail::lines(&text, start)
    };
    session.write(end)
}

/// What `grep` looks for, and what it tells.
struct Search {
    expressions: Vec<Expression>,
    /// Lines that do not fit are meant.
    is_inverted: bool,
    /// Nothing is told, and the first line is enough.
    is_quiet: bool,
    names_only: bool,
    counts_only: bool,
    with_numbers: bool,
    with_names: bool,
}

/// The expressions of texts, each line of which is one.
fn expressions(texts: &[&str], is_literal: bool, folds: bool) -> Result<Vec<Expression>, String> {
    let make = if is_literal {
        Expression::literal
    } else {
        Expression::new
    };
    let lines = texts.iter().flat_map(|text| text.split('\n'));
    let all = lines.map(|line| make(line.as_bytes(), folds).map_err(|error| format!("{line}: {error}")));
    all.collect()
}

/// `grep [-Fchilnqv] [-e EXPRESSION]... [EXPRESSION] [FILE]...`: status 1 if no line fits.
pub(super) fn grep(session: &mut Session<'_>) -> Outcome {
    let usage = "[-Fchilnqv] [-e expression]... [expression] [file]...";
    let mut options = session.options("Fchilnqve:", (0, usize::MAX), usage)?;
    let mut texts: Vec<&str> = options.values('e').collect();
    if texts.is_empty() {
        if options.operands.is_empty() {
            return Err(session.usage(usage));
        }
        texts.push(options.operands.remove(0));
    }
    let expressions = match expressions(&texts, options.has('F'), options.has('i')) {
        Ok(expressions) => expressions,
        Err(what) => {
            eprintln!("grep: {what}");
            session.status = USAGE;
            return Err(Stopped);
        }
    };
    let search = Search {
        expressions,
        is_inverted: options.has('v'),
        is_quiet: options.has('q'),
        names_only: options.has('l'),
        counts_only: options.has('c') && !options.has('l'),
        with_numbers: options.has('n'),
        with_names: options.operands.len() > 1 && !options.has('h'),
    };
    let mut found = false;
    for (name, input) in session.inputs(&options.operands) {
        found |= look(session, &search, name, input)?;
        if found && search.is_quiet {
            return Ok(());
        }
    }
    // What went wrong is told by a status of its own.
    session.status = match (session.status, found) {
        (0, found) => i32::from(!found),
        _ => USAGE,
    };
    Ok(())
}

/// Looks through a stream; whether anything was found.
fn look(session: &mut Session<'_>, search: &Search, name: &str, mut input: Input) -> Result<bool, Stopped> {
    let prefix = if search.with_names {
        format!("{name}:")
    } else {
        String::new()
    };
    let (mut number, mut count) = (0_u64, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_line(&mut Kernel, &mut line) {
            Ok(true) => {}
            Ok(false) => break,
            Err(status) => {
                session.fail(name, status);
                break;
            }
        }
        number += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let fits = search.expressions.iter().any(|expression| expression.fits(text));
        if fits == search.is_inverted {
            continue;
        }
        count += 1;
        if search.is_quiet || search.names_only {
            break;
        }
        if !search.counts_only {
            let place = if search.with_numbers {
                format!("{number}:")
            } else {
                String::new()
            };
            session.print(format_args!("{prefix}{place}"))?;
            session.write(text)?;
            session.write(b"\n")?;
        }
    }
    if search.names_only && count > 0 {
        session.print(format_args!("{name}\n"))?;
    } else if search.counts_only && !search.is_quiet {
        session.print(format_args!("{prefix}{count}\n"))?;
    }
    Ok(count > 0)
}

/// `sleep SECONDS`
pub(super) fn sleep(session: &mut Session<'_>) -> Outcome {
    let options = session.options("", (1, 1), "seconds")?;
    let seconds = options.operands[0]
        .parse::<u32>()
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000));
    let Some(milliseconds) = seconds else {
        session.complain(options.operands[0], explain(proto::standard::Status::BadArgument));
        return Ok(());
    };
    calls::sleep(milliseconds);
    Ok(())
}
