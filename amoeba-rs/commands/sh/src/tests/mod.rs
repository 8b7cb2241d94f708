mod commands;
mod conditions;
mod expressions;
mod fake;
mod patterns;
mod redirections;
mod syntax;
mod traps;
mod words;

use fake::Fake;

/// What commands write, what they tell of errors, and the status at the end.
fn run_with(fake: &Fake, text: &str) -> (std::string::String, std::string::String, i32) {
    fake.run(text, &["one".into(), "two words".into()]);
    fake.take()
}

/// What commands write that have nothing to tell of errors.
fn output(text: &str) -> std::string::String {
    let (output, errors, _) = run_with(&Fake::new(), text);
    assert_eq!(errors, "", "{text}");
    output
}

/// The status that commands end with.
fn status(text: &str) -> i32 {
    run_with(&Fake::new(), text).2
}

/// What commands tell of errors.
fn errors(text: &str) -> std::string::String {
    run_with(&Fake::new(), text).1
}
