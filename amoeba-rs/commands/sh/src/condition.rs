//! The conditions of `test` (POSIX 1003.2, section 4.62): what is meant follows from the number of words, so that no value is taken for an
//! operator.

use crate::world::World;
use alloc::format;
use alloc::string::String;
use proto::standard::ObjectMark;

/// Whether a condition is met.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn test(world: &mut impl World, words: &[String]) -> Result<bool, String> {
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        [not, rest @ ..] if not == "!" && words.len() != 3 => test(world, rest).map(|is_met| !is_met),
        [operator, word] => one(world, operator, word),
        [left, operator, right] => match two(left, operator, right) {
            Some(result) => result,
            None if left == "!" => one(world, operator, right).map(|is_met| !is_met),
            None if left == "(" && right == ")" => Ok(!operator.is_empty()),
            None => several(world, words),
        },
        [open, rest @ .., close] if words.len() == 4 && open == "(" && close == ")" => test(world, rest),
        _ => several(world, words),
    }
}

/// Conditions that are joined by `-o`, and before that by `-a`.
fn several(world: &mut impl World, words: &[String]) -> Result<bool, String> {
    for (joint, is_or) in [("-o", true), ("-a", false)] {
        if let Some(place) = words.iter().position(|word| word == joint) {
            let left = test(world, &words[..place])?;
            let right = test(world, &words[place + 1..])?;
            return Ok(if is_or { left || right } else { left && right });
        }
    }
    Err(format!("{}: what is meant?", words.join(" ")))
}

fn one(world: &mut impl World, operator: &str, word: &str) -> Result<bool, String> {
    let mut is = |mark: ObjectMark| world.mark(word) == Some(mark.code());
    Ok(match operator {
        "-n" => !word.is_empty(),
        "-z" => word.is_empty(),
        "-e" | "-r" | "-w" | "-x" => world.mark(word).is_some(),
        "-f" => is(ObjectMark::File),
        "-d" => is(ObjectMark::Directory) || is(ObjectMark::KernelDirectory),
        "-p" => is(ObjectMark::Pipe),
        "-c" => is(ObjectMark::Terminal),
        "-s" => world.size(word).is_some_and(|size| size > 0),
        _ => return Err(format!("{operator}: no such operator")),
    })
}

fn two(left: &str, operator: &str, right: &str) -> Option<Result<bool, String>> {
    match operator {
        "=" | "==" => return Some(Ok(left == right)),
        "!=" => return Some(Ok(left != right)),
        _ => {}
    }
    let compare: fn(i64, i64) -> bool = match operator {
        "-eq" => |left, right| left == right,
        "-ne" => |left, right| left != right,
        "-lt" => |left, right| left < right,
        "-le" => |left, right| left <= right,
        "-gt" => |left, right| left > right,
        "-ge" => |left, right| left >= right,
        _ => return None,
    };
    let number = |text: &str| {
        let number = text.trim().parse::<i64>();
        number.map_err(|_| format!("{text}: is no number"))
    };
    Some(number(left).and_then(|left| Ok(compare(left, number(right)?))))
}
