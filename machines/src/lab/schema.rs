//! The JSON schema of lab files, for editors; written from the same description that files are checked against.

use serde_json::{Map, Value as Json, json};

use super::fields::{CONSTANT, FORMAT, Field, Kind, LAB_FILE, Shape, Word};
use super::model::Source;
use super::timing::{CONSTANTS, Description};

/// Names: see `is_name` of the check.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

/// The JSON schema (draft 2020-12) of lab files.
#[must_use]
pub fn schema() -> Json {
    let mut schema = table(&LAB_FILE);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("amlab lab file");
    schema["description"] = json!("A laboratory of emulated 386 PCs on shared Ethernet segments.");
    schema
}

fn table(shape: &Shape) -> Json {
    let properties: Map<String, Json> = shape
        .fields()
        .filter(|field| !matches!(field.kind, Kind::NotYet))
        .map(|field| (field.name.to_owned(), described(field)))
        .collect();
    let required: Vec<&str> = shape
        .fields()
        .filter(|field| field.is_required)
        .map(|field| field.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn described(field: &Field) -> Json {
    let mut value = value(&field.kind);
    value["description"] = json!(field.about);
    value
}

fn value(kind: &Kind) -> Json {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Name => json!({ "type": "string", "pattern": NAME }),
        Kind::Integer { least, most } => integer(*least, *most),
        Kind::Seed => integer(0, i128::from(i64::MAX)),
        Kind::Format => json!({ "const": narrow(FORMAT) }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Word(words) => one_of(words),
        Kind::Words(words) => json!({ "type": "array", "items": one_of(words) }),
        Kind::Quantity(dimension) => json!({ "type": "string", "pattern": dimension.pattern() }),
        Kind::Integers { least, most } => {
            json!({ "type": "array", "items": integer(*least, *most), "minItems": 1 })
        }
        Kind::Chance => json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,3})? ?%$" }),
        Kind::Mac | Kind::Address => {
            json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$" })
        }
        Kind::Moment => json!({ "type": "string", "format": "date-time" }),
        Kind::Speed => json!({
            "anyOf": [
                { "enum": ["max", "realtime"] },
                { "type": "number", "minimum": 0.001, "maximum": 1000 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,3})?$" },
            ],
        }),
        Kind::Pattern => json!({ "type": "string", "format": "regex" }),
        Kind::Machines => json!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
        }),
        Kind::FileName => json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$" }),
        Kind::ConstantUnit => json!({ "type": "string" }),
        Kind::ConstantSource => json!({ "type": "string", "pattern": source_pattern() }),
        Kind::Table(shape) => table(shape),
        Kind::Named(shape) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": table(shape),
        }),
        Kind::List(shape) => json!({ "type": "array", "items": table(shape) }),
        Kind::Timing => timing(),
        Kind::NotYet => json!(false),
    }
}

/// JSON numbers here are at most 64 bits; all limits of the format are.
fn narrow(number: i128) -> Json {
    i64::try_from(number).map_or(Json::Null, Json::from)
}

fn integer(least: i128, most: i128) -> Json {
    json!({ "type": "integer", "minimum": narrow(least), "maximum": narrow(most) })
}

fn one_of(words: &[Word]) -> Json {
    let words: Vec<Json> = words
        .iter()
        .filter(|word| word.is_due)
        .map(|word| json!({ "const": word.word, "description": word.about }))
        .collect();
    json!({ "oneOf": words })
}

fn source_pattern() -> String {
    let words: Vec<&str> = Source::ALL.iter().map(|source| source.word()).collect();
    format!("^({}):\\s*\\S", words.join("|"))
}

fn timing() -> Json {
    let constants: Map<String, Json> = CONSTANTS
        .iter()
        .map(|constant| (constant.name.to_owned(), constant_table(constant)))
        .collect();
    json!({ "type": "object", "properties": constants, "additionalProperties": false })
}

fn constant_table(constant: &Description) -> Json {
    let mut schema = table(&CONSTANT);
    schema["description"] = json!(format!("{} Default {}.", constant.about, constant.value));
    schema["properties"]["value"]["minimum"] = json!(constant.least);
    schema["properties"]["value"]["maximum"] = json!(constant.most);
    schema["properties"]["unit"] = json!({ "const": constant.unit });
    schema
}
