//! `expect.xml`: the expectations of a run as JUnit reads them (one test suite, one test case per machine and
//! expectation; a machine that stopped by itself is a test case with an error).

use clock::Instant;

/// How one test case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Good,
    /// Not as it should; why.
    Failed(String),
    /// It could not be carried out; why.
    Error(String),
    /// The run ended before it was decided; why.
    Skipped(String),
}

/// One test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The machine.
    pub machine: String,
    /// What was tested.
    pub name: String,
    /// Virtual time of the decision.
    pub at: Instant,
    /// How it went.
    pub verdict: Verdict,
}

/// The whole document.
#[must_use]
pub fn document(lab: &str, end: Instant, cases: &[Case]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| cases.iter().filter(|case| wanted(&case.verdict)).count();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text += &format!(
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">\n",
        escaped(lab),
        cases.len(),
        count(|verdict| matches!(verdict, Verdict::Failed(_))),
        count(|verdict| matches!(verdict, Verdict::Error(_))),
        count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        seconds(end),
    );
    for case in cases {
        text += &element(lab, case);
    }
    text += "</testsuite>\n";
    text
}

fn element(lab: &str, case: &Case) -> String {
    let (tag, message) = match &case.verdict {
        Verdict::Good => ("", ""),
        Verdict::Failed(message) => ("failure", message.as_str()),
        Verdict::Error(message) => ("error", message.as_str()),
        Verdict::Skipped(message) => ("skipped", message.as_str()),
    };
    let head = format!(
        "  <testcase classname=\"{}.{}\" name=\"{}\" time=\"{}\"",
        escaped(lab),
        escaped(&case.machine),
        escaped(&case.name),
        seconds(case.at)
    );
    if tag.is_empty() {
        return head + "/>\n";
    }
    format!(
        "{head}>\n    <{tag} message=\"{}\"/>\n  </testcase>\n",
        escaped(message)
    )
}

/// Virtual seconds with nine decimals.
fn seconds(at: Instant) -> String {
    at.to_string().trim_end_matches(" s").to_owned()
}

/// `text` as it may stand in an attribute: XML 1.0 has no way at all to write most control characters, so these
/// become U+FFFD.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\t' | '\n' | '\r' => safe += &format!("&#{};", u32::from(character)),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_are_escaped() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\u{1b}[0m"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}[0m"
        );
    }

    #[test]
    fn a_document_counts_its_failures_errors_and_skips() {
        let case = |name: &str, verdict| Case {
            machine: "pool0".into(),
            name: name.into(),
            at: Instant::from_picoseconds(12_003_000_000_000),
            verdict,
        };
        let cases = [
            case("kernel ready", Verdict::Good),
            case("a < b", Verdict::Failed("not seen within 60.000 s".into())),
            case("runs", Verdict::Error("guest::halted".into())),
            case("later", Verdict::Skipped("the run ended first".into())),
        ];
        insta::assert_snapshot!(document("pair", Instant::from_picoseconds(60_000_000_000_000), &cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="pair" tests="4" failures="1" errors="1" skipped="1" time="60.000000000">
          <testcase classname="pair.pool0" name="kernel ready" time="12.003000000"/>
          <testcase classname="pair.pool0" name="a &lt; b" time="12.003000000">
            <failure message="not seen within 60.000 s"/>
          </testcase>
          <testcase classname="pair.pool0" name="runs" time="12.003000000">
            <error message="guest::halted"/>
          </testcase>
          <testcase classname="pair.pool0" name="later" time="12.003000000">
            <skipped message="the run ended first"/>
          </testcase>
        </testsuite>
        "#);
    }
}
