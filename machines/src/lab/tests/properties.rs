//! No text, however odd, does more than give messages whose places are in it.

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{collection, prop_assert};

use super::super::{DEFAULT_LAB, LabErrors, LabSource, Loaded, Override, decode, load};
use super::{GOOD, lab_of, read};

/// True if every place of every message is in its text, and all messages can be printed.
fn is_sound(result: &Result<Loaded, LabErrors>, text: &str) -> bool {
    let messages = match result {
        Ok(loaded) => &loaded.warnings,
        Err(errors) => errors.messages(),
    };
    assert!(!messages.render(false).is_empty() || result.is_ok());
    let lines: Vec<&str> = text.split('\n').collect();
    let json = messages.to_json();
    let list = json.as_array().expect("a list");
    list.iter().all(|message| {
        let (Some(line), Some(column)) = (message["line"].as_u64(), message["column"].as_u64()) else {
            return false;
        };
        let line = usize::try_from(line)
            .ok()
            .and_then(|line| lines.get(line.checked_sub(1)?));
        line.is_some_and(|line| (1..=line.chars().count() as u64 + 1).contains(&column))
    })
}

/// Pieces of lab files and of TOML, which together come far more often to something than characters do.
fn piece() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "format = 1\n",
        "[lab]\n",
        "name = ",
        "[machine.a]\n",
        "[[machine.a.card]]\n",
        "extends = ",
        "[profile.a]\n",
        "\"a\"",
        "'a'",
        "\"4MB\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        "=",
        "count = 3\n",
        "boot = { image = \"a\" }\n",
        "[image.a]\n",
        "path = \"builtin:kernel\"\n",
        "blank = \"1MB\"\n",
        "[segment.a]\n",
        "kind = \"10base2\"\n",
        "length = \"1m\"\n",
        "segment = \"a\"\n",
        "type = \"3c503\"\n",
        "io = 0x300\n",
        "irq = 5\n",
        "ram = 0xCC000\n",
        "mac = ",
        "\"\"\"",
        "#",
        "\"02:00:00:00:00:01\"\n",
        "[[expect]]\n",
        "machine = \"*\"\n",
        "console = '('\n",
        "[capture.a]\n",
        "card = []\n",
        "[traffic.a]\n",
        "[[fault]]\n",
        "[[input]]\n",
        "after = 'x'\ntext = \"ls\"\n",
        "kind = \"loss\"\n",
        "kind = \"unplug\"\n",
        "kind = \"power-off\"\n",
        "station = \"a\"\n",
        "prom = { image = \"a\" }\n",
        "0x",
        "-1",
        "1e9",
        "inf",
        "nan",
        "1979-05-27",
        "true",
        "\u{feff}",
        "é",
        "\r\n",
        "[time]\n",
        "stop = \"1h\"\n",
        "within = ",
        "[profile.a.timing]\n",
        "isa_8bit = ",
        "value = ",
        "source = ",
        "unit = ",
        ".",
    ];
    proptest::sample::select(PIECES).prop_map(str::to_owned)
}

/// A byte of the text, and what becomes of it.
fn mutation() -> impl Strategy<Value = (u32, Option<u8>, bool)> {
    let byte = prop_oneof![
        Just(None),
        any::<u8>().prop_map(Some),
        (0x20..0x7F_u8).prop_map(Some)
    ];
    (any::<u32>(), byte, any::<bool>())
}

proptest! {
    #[test]
    fn any_text_gives_a_lab_or_messages(text in "\\PC{0,200}") {
        prop_assert!(is_sound(&read(&text), &text));
    }

    #[test]
    fn any_pieces_of_lab_files_give_a_lab_or_messages(pieces in collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        prop_assert!(is_sound(&read(&text), &text));
    }

    #[test]
    fn a_lab_file_with_changed_bytes_gives_a_lab_or_messages(mutations in collection::vec(mutation(), 1..4)) {
        let mut bytes = DEFAULT_LAB.as_bytes().to_vec();
        for (at, byte, is_inserted) in mutations {
            let at = at as usize % bytes.len();
            match byte {
                Some(byte) if is_inserted => bytes.insert(at, byte),
                Some(byte) => bytes[at] = byte,
                None => drop(bytes.remove(at)),
            }
        }
        let lossy = String::from_utf8_lossy(&bytes).into_owned();
        let result = decode("lab.toml", bytes).and_then(|text| read(&text));
        prop_assert!(is_sound(&result, &lossy));
        if let Ok(loaded) = result {
            prop_assert!(lab_of(&super::super::show(&loaded.lab)) == loaded.lab);
        }
    }

    #[test]
    fn any_override_gives_a_lab_or_messages(path in "[a-z0-9.\"]{0,20}", value in "\\PC{0,20}") {
        let paths = [path, "profile.at.card".to_owned(), "profile.at.cpu.clock".to_owned(), "machine".to_owned()];
        for path in paths {
            if let Ok(setting) = Override::parse(&format!("{path}={value}")) {
                let source = LabSource::Text { name: "lab.toml".into(), text: GOOD.into(), folder: "".into() };
                if let Err(errors) = load(source, &[setting]) {
                    prop_assert!(!errors.messages().render(true).is_empty());
                }
            }
        }
    }
}
