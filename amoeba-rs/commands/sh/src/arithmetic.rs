//! Expressions of whole numbers, as in `$((...))`: the operators of C that have no side effects, with its precedence.

use alloc::format;
use alloc::string::{String, ToString};

/// How deeply parentheses may lie in each other.
const DEEPEST: u32 = 30;

/// Operators of two values by precedence, the lowest first. Of one level the longer ones come first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

struct Expression<'a, F> {
    text: &'a str,
    variable: F,
    depth: u32,
}

/// The value of an expression. `variable` tells the values of variables; one without a value is 0.
///
/// # Errors
/// What is wrong with it.
pub fn evaluate(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<i64, String> {
    let mut expression = Expression {
        text,
        variable,
        depth: 0,
    };
    let value = expression.choice()?;
    match expression.rest() {
        "" => Ok(value),
        rest => Err(format!("expression: unexpected `{rest}'")),
    }
}

impl<F: Fn(&str) -> Option<String>> Expression<'_, F> {
    fn rest(&mut self) -> &str {
        self.text = self.text.trim_start();
        self.text
    }

    fn takes(&mut self, operator: &str) -> bool {
        let Some(behind) = self.text.trim_start().strip_prefix(operator) else {
            return false;
        };
        // A shorter operator is not the beginning of a longer one.
        let is_longer = match operator {
            "<" | ">" => behind.starts_with(operator) || behind.starts_with('='),
            "|" | "&" => behind.starts_with(operator),
            "!" => behind.starts_with('='),
            _ => false,
        };
        if !is_longer {
            self.text = behind;
        }
        !is_longer
    }

    fn choice(&mut self) -> Result<i64, String> {
        let condition = self.level(0)?;
        if !self.takes("?") {
            return Ok(condition);
        }
        let yes = self.choice()?;
        if !self.takes(":") {
            return Err("expression: `:' is missing".to_string());
        }
        let no = self.choice()?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn level(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.single();
        };
        let mut value = self.level(level + 1)?;
        loop {
            let Some(operator) = operators.iter().find(|operator| self.takes(operator)) else {
                return Ok(value);
            };
            let other = self.level(level + 1)?;
            value = apply(operator, value, other)?;
        }
    }

    fn single(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("expression: too deep".to_string());
        }
        let value = if self.takes("-") {
            self.single()?.wrapping_neg()
        } else if self.takes("+") {
            self.single()?
        } else if self.takes("!") {
            i64::from(self.single()? == 0)
        } else if self.takes("~") {
            !self.single()?
        } else if self.takes("(") {
            let value = self.choice()?;
            if !self.takes(")") {
                return Err("expression: `)' is missing".to_string());
            }
            value
        } else {
            self.operand()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn operand(&mut self) -> Result<i64, String> {
        let rest = self.rest();
        let is_part = |character: char| character == '_' || character.is_ascii_alphanumeric();
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let (word, behind) = self.text.split_at(end);
        if word.is_empty() {
            let what = if behind.is_empty() {
                "a value is missing".to_string()
            } else {
                format!("unexpected `{behind}'")
            };
            return Err(format!("expression: {what}"));
        }
        self.text = behind;
        if word.starts_with(|character: char| character.is_ascii_digit()) {
            return number(word).ok_or_else(|| format!("expression: bad number `{word}'"));
        }
        let value = (self.variable)(word).unwrap_or_default();
        match value.trim() {
            "" => Ok(0),
            value => number(value).ok_or_else(|| format!("expression: {word} is no number")),
        }
    }
}

/// A number as C writes it.
fn number(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let value = match hexadecimal {
        Some(digits) => i64::from_str_radix(digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(&digits[1..], 8),
        None => digits.parse(),
    };
    let value = value.ok().filter(|value| *value >= 0)?;
    Some(if is_negative { -value } else { value })
}

fn apply(operator: &str, left: i64, right: i64) -> Result<i64, String> {
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(right as u32),
        ">>" => left.wrapping_shr(right as u32),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        _ if right == 0 => return Err("expression: division by zero".to_string()),
        "/" => left.wrapping_div(right),
        _ => left.wrapping_rem(right),
    })
}
