//! Who uses FLIP in this machine: interfaces, and the addresses that they have registered.

use super::types::{Endpoint, Error, Interface, MessageId};
use alloc::vec::Vec;
use proto::flip::Address;

/// How many interfaces a kernel has.
const INTERFACES: usize = 200;
/// How many addresses an interface registers.
const ENDPOINTS: usize = 100;

/// An address in use.
#[derive(Clone, Debug)]
struct Registration {
    /// Public; null for whoever wants broadcasts.
    address: Address,
    /// Its process is about to move, so it takes no data.
    busy: bool,
}

#[derive(Clone, Debug, Default)]
struct Row {
    endpoints: Vec<Option<Registration>>,
    /// Number of the last message.
    message: u32,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Interfaces {
    rows: Vec<Option<Row>>,
}

/// Puts a value into the first empty place of a list that may grow to `most` places.
fn place<T>(list: &mut Vec<Option<T>>, most: usize, value: T) -> Result<u16, Error> {
    let free = list.iter().position(Option::is_none);
    let index = match free {
        Some(index) => index,
        None if list.len() < most => {
            list.push(None);
            list.len() - 1
        }
        None => return Err(Error::Fail),
    };
    list[index] = Some(value);
    Ok(index as u16)
}

impl Interfaces {
    pub(super) fn new() -> Interfaces {
        Interfaces { rows: Vec::new() }
    }

    pub(super) fn open(&mut self) -> Result<Interface, Error> {
        place(&mut self.rows, INTERFACES, Row::default()).map(Interface)
    }

    /// Frees an interface that has no addresses left.
    pub(super) fn close(&mut self, interface: Interface) -> Result<(), Error> {
        self.row(interface)?;
        self.rows[usize::from(interface.0)] = None;
        Ok(())
    }

    pub(super) fn register(&mut self, interface: Interface, address: Address) -> Result<Endpoint, Error> {
        let registration = Registration { address, busy: false };
        place(&mut self.row_mut(interface)?.endpoints, ENDPOINTS, registration).map(Endpoint)
    }

    /// Frees an endpoint; its address.
    pub(super) fn unregister(&mut self, interface: Interface, endpoint: Endpoint) -> Result<Address, Error> {
        let place = self
            .row_mut(interface)?
            .endpoints
            .get_mut(usize::from(endpoint.0));
        let registration = place.and_then(Option::take).ok_or(Error::Fail)?;
        Ok(registration.address)
    }

    /// The public address of an endpoint.
    pub(super) fn address(&self, interface: Interface, endpoint: Endpoint) -> Result<Address, Error> {
        Ok(self.registration(interface, endpoint)?.address)
    }

    pub(super) fn is_busy(&self, interface: Interface, endpoint: Endpoint) -> bool {
        self.registration(interface, endpoint)
            .is_ok_and(|registration| registration.busy)
    }

    pub(super) fn set_busy(
        &mut self,
        interface: Interface,
        endpoint: Endpoint,
        busy: bool,
    ) -> Result<(), Error> {
        let place = self
            .row_mut(interface)?
            .endpoints
            .get_mut(usize::from(endpoint.0));
        place.and_then(Option::as_mut).ok_or(Error::Fail)?.busy = busy;
        Ok(())
    }

    /// The number of the next message.
    pub(super) fn next_message(&mut self, interface: Interface) -> Result<MessageId, Error> {
        let row = self.row_mut(interface)?;
        row.message = row.message.wrapping_add(1);
        Ok(MessageId(row.message))
    }

    /// The endpoints in use of an interface.
    pub(super) fn endpoints(&self, interface: Interface) -> impl Iterator<Item = Endpoint> {
        let row = self.row(interface).ok();
        let endpoints = row.map_or(&[][..], |row| &row.endpoints);
        (0..)
            .zip(endpoints)
            .filter(|(_, registration)| registration.is_some())
            .map(|(index, _)| Endpoint(index))
    }

    /// Those who want broadcasts.
    pub(super) fn broadcast_listeners(&self) -> impl Iterator<Item = (Interface, Endpoint)> {
        let interfaces = (0..).zip(&self.rows);
        interfaces.flat_map(|(interface, row)| {
            let endpoints = row.as_ref().map_or(&[][..], |row| &row.endpoints);
            (0..)
                .zip(endpoints)
                .filter(|(_, registration)| registration.as_ref().is_some_and(|one| one.address.is_null()))
                .map(move |(endpoint, _)| (Interface(interface), Endpoint(endpoint)))
        })
    }

    /// Shows every address in use, with its interface and endpoint, until one gives an error.
    pub(super) fn each<E>(
        &self,
        mut show: impl FnMut(usize, usize, Address, bool) -> Result<(), E>,
    ) -> Result<(), E> {
        for (interface, row) in self.rows.iter().enumerate() {
            let endpoints = row.iter().flat_map(|row| row.endpoints.iter().enumerate());
            for (endpoint, registration) in endpoints {
                if let Some(Registration { address, busy }) = registration {
                    show(interface, endpoint, *address, *busy)?;
                }
            }
        }
        Ok(())
    }

    fn row(&self, interface: Interface) -> Result<&Row, Error> {
        let row = self.rows.get(usize::from(interface.0));
        row.and_then(Option::as_ref).ok_or(Error::Fail)
    }

    fn row_mut(&mut self, interface: Interface) -> Result<&mut Row, Error> {
        let row = self.rows.get_mut(usize::from(interface.0));
        row.and_then(Option::as_mut).ok_or(Error::Fail)
    }

    fn registration(&self, interface: Interface, endpoint: Endpoint) -> Result<&Registration, Error> {
        let registration = self.row(interface)?.endpoints.get(usize::from(endpoint.0));
        registration.and_then(Option::as_ref).ok_or(Error::Fail)
    }
}
