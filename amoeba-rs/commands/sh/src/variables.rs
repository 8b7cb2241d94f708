//! Variables, and which of them programs are told of.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

#[derive(Clone, Debug, Default)]
struct Variable {
    value: Option<String>,
    is_exported: bool,
    is_constant: bool,
}

/// Variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Variable>);

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.value.as_deref()
    }

    /// Gives a variable a value; an error for one that is constant.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let variable = self.0.entry(name.to_string()).or_default();
        if variable.is_constant {
            return Err(format!("{name}: is constant"));
        }
        variable.value = Some(value.to_string());
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), String> {
        match self.0.get(name) {
            Some(variable) if variable.is_constant => Err(format!("{name}: is constant")),
            _ => {
                self.0.remove(name);
                Ok(())
            }
        }
    }

    pub(crate) fn export(&mut self, name: &str) {
        self.0.entry(name.to_string()).or_default().is_exported = true;
    }

    pub(crate) fn fix(&mut self, name: &str) {
        self.0.entry(name.to_string()).or_default().is_constant = true;
    }

    /// All that have values, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.filter_map(|(name, variable)| Some((name.as_str(), variable.value.as_deref()?)))
    }

    /// Those that programs are told of, and those that they are not.
    fn of(&self, is_exported: bool) -> impl Iterator<Item = (&str, &str)> {
        let wanted = self
            .0
            .iter()
            .filter(move |(_, variable)| variable.is_exported == is_exported);
        wanted.filter_map(|(name, variable)| Some((name.as_str(), variable.value.as_deref()?)))
    }

    /// The environment of programs, `NAME=value`.
    pub(crate) fn environment(&self) -> Vec<String> {
        self.of(true)
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    /// Those that are not in the environment.
    pub(crate) fn own(&self) -> impl Iterator<Item = (&str, &str)> {
        self.of(false)
    }
}
