//! Functions of a kernel by address, from its symbol table, with their names in words.

use object::LittleEndian;
use object::elf::{FileHeader32, STT_FUNC};
use object::read::elf::{FileHeader as _, Sym as _};

/// A function and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Symbol {
    start: u32,
    end: u32,
    name: String,
}

/// The functions of an ELF image, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols(Vec<Symbol>);

impl Symbols {
    /// The functions of `image`; none if it is no ELF image or has no symbols.
    #[must_use]
    pub fn of(image: &[u8]) -> Self {
        let mut symbols = read(image).unwrap_or_default();
        symbols.sort_by_key(|symbol| symbol.start);
        Self(symbols)
    }

    /// The function at an address.
    #[must_use]
    pub fn at(&self, address: u32) -> Option<&str> {
        let behind = self.0.partition_point(|symbol| symbol.start <= address);
        let symbol = &self.0[behind.checked_sub(1)?];
        (address < symbol.end).then_some(&*symbol.name)
    }
}

fn read(image: &[u8]) -> Option<Vec<Symbol>> {
    let header = FileHeader32::<LittleEndian>::parse(image).ok()?;
    let sections = header.sections(LittleEndian, image).ok()?;
    let table = sections
        .symbols(LittleEndian, image, object::elf::SHT_SYMTAB)
        .ok()?;
    let functions = table.iter().filter(|symbol| symbol.st_type() == STT_FUNC);
    let named = functions.filter_map(|symbol| {
        let name = table.symbol_name(LittleEndian, symbol).ok()?;
        let start = symbol.st_value(LittleEndian);
        Some(Symbol {
            start,
            end: start.checked_add(symbol.st_size(LittleEndian))?,
            name: words(std::str::from_utf8(name).ok()?),
        })
    });
    Some(named.collect())
}

/// What a mangled name (Rust's, version 0) says: the crate, its module and the function. Other names stay as they are.
fn words(mangled: &str) -> String {
    let Some(rest) = mangled.strip_prefix("_R") else {
        return mangled.to_owned();
    };
    let all = identifiers(rest);
    match &all[..] {
        [] => mangled.to_owned(),
        [first, .., last] if all.len() > 2 => format!("{first}::{}::{last}", all[1]),
        few => few.join("::"),
    }
}

/// The identifiers of a mangled name in order. A number is the length of the identifier behind it; those of disambiguators
/// and back references end with an underline.
fn identifiers(mangled: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = mangled.as_bytes().get(at) {
        match byte {
            b's' | b'B' => match mangled[at..].find('_') {
                Some(length) => at += length + 1,
                None => break,
            },
            b'1'..=b'9' => {
                let digits = mangled[at..].bytes().take_while(u8::is_ascii_digit).count();
                let Ok(length) = mangled[at..at + digits].parse::<usize>() else {
                    break;
                };
                at += digits;
                at += usize::from(mangled[at..].starts_with('_'));
                match mangled.get(at..at.saturating_add(length)) {
                    Some(name) => found.push(name),
                    None => break,
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Symbols, words};

    #[test]
    fn names_are_told_by_crate_module_and_function() {
        assert_eq!(
            words("_RNvMNtCsgxGIlg9XKq6_6kernel6systemNtB2_6System6settle"),
            "kernel::system::settle"
        );
        let generic = "_RNvMNtNtCsk3ogQUmgIMF_11kernel_core4flip4sendINtB4_4FlipINtNtNtB6_3rpc7message7MessageNtNtNtCsgxGIlg9XKq6_6kernel7network6buffer6BufferEE15enqueue_messageB1s_";
        assert_eq!(words(generic), "kernel_core::flip::enqueue_message");
        assert_eq!(words("memcpy"), "memcpy");
        assert_eq!(words("_R9"), "_R9");
    }

    #[test]
    fn the_kernel_has_symbols_and_noise_has_none() {
        let kernel = crate::image::builtin("kernel").expect("the built-in kernel");
        let symbols = Symbols::of(kernel);
        let first = symbols.0.first().expect("a function");
        assert_eq!(symbols.at(first.start), Some(&*first.name));
        assert_eq!(symbols.at(0), None);
        assert_eq!(Symbols::of(b"no image"), Symbols::default());
    }
}
