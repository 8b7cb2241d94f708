//! Looking names up: paths through the server's own directories, and many names at once.
//!
//! A capability with all rights is restricted here, and so is one of this server. Others must be restricted by their
//! own servers, which is done when the reply is made, outside the engine: a server that does not answer keeps nobody else waiting.

use super::{Engine, Failure, Message, Own, Private, Rights, Status, World};
use crate::directory::Row;
use crate::message::written;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::capability_set::{CapabilitySet, Member};
use proto::marshal::Reader;
use proto::soap::LONGEST_PATH;
use proto::soap::wire::Found;

/// A row that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: Capability,
    time: u32,
    wanted: u16,
    /// The members, and the mask with which those of other servers must still be restricted.
    members: Vec<(Member, Option<Rights>)>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The rest of a path that leads on to another server, and the set up to there.
    Path(Vec<u8>, Entry),
    /// An entry for each of several names.
    Names(Vec<Result<Entry, Failure>>),
}

impl Entry {
    /// The set, with what `restrict` makes of members that others serve. Members whose servers do not answer are left out.
    ///
    /// # Errors
    /// [`Own::Unreachable`] if none is left.
    fn finish(
        &self,
        restrict: &mut impl FnMut(&Capability, Rights) -> Result<Capability, Status>,
    ) -> Result<CapabilitySet, Failure> {
        let mut set = CapabilitySet::default();
        set.wanted = self.wanted;
        for (member, mask) in &self.members {
            let capability = match mask {
                None => Ok(member.capability),
                Some(mask) => restrict(&member.capability, *mask),
            };
            if let Ok(capability) = capability {
                let is_current = member.is_current;
                // There are no more members than there were in the row.
                let _ = set.add(Member {
                    capability,
                    is_current,
                });
            }
        }
        if set.members().next().is_none() && !self.members.is_empty() {
            return Err(Own::Unreachable.into());
        }
        Ok(set)
    }
}

impl Answer {
    /// The reply to the client. `restrict` asks an object's server for a capability with fewer rights.
    pub fn reply(
        &self,
        mut restrict: impl FnMut(&Capability, Rights) -> Result<Capability, Status>,
    ) -> Message {
        let data = match &self.0 {
            Kind::Path(rest, entry) => entry.finish(&mut restrict).and_then(|set| {
                written(|writer| {
                    writer.string(rest)?;
                    set.emit(writer)
                })
            }),
            Kind::Names(entries) => {
                let found: Vec<Result<Found, i16>> =
                    entries.iter().map(|entry| found(entry, &mut restrict)).collect();
                written(|writer| found.iter().try_for_each(|entry| Found::emit(entry, writer)))
            }
        };
        data.map_or_else(|failure| Message::status(Err(failure)), Message::data)
    }
}

fn found(
    entry: &Result<Entry, Failure>,
    restrict: &mut impl FnMut(&Capability, Rights) -> Result<Capability, Status>,
) -> Result<Found, i16> {
    let entry = entry.as_ref().map_err(|failure| failure.code())?;
    Ok(Found {
        kind: entry.kind,
        time: entry.time,
        set: entry.finish(restrict).map_err(Failure::code)?,
    })
}

impl<W: World> Engine<W> {
    /// Follows a path as far as this server's directories lead.
    pub(super) fn lookup(&mut self, private: &Private, data: &[u8]) -> Result<Answer, Failure> {
        let path = Reader::new(data).string().map_err(|_| Status::BadArgument)?;
        if path.len() > LONGEST_PATH {
            return Err(Status::BadArgument.into());
        }
        let (directory, rights, _) = self.open(private)?;
        let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let name = names.next().ok_or(Status::BadArgument)?;
        let (row, mask) = directory.lookup(name, rights)?;
        let (mut row, mut mask) = (row.clone(), mask);
        while let (Some(next), Some(own)) = (names.clone().next(), self.own_member(&row.set)) {
            let (directory, rights, _) = self.open(&own.private)?;
            let (inner, inner_mask) = directory.lookup(next, Rights(rights.0 & mask.0))?;
            (row, mask) = (inner.clone(), inner_mask);
            names.next();
        }
        let rest: Vec<&[u8]> = names.collect();
        let entry = self.restricted(&row, mask)?;
        Ok(Answer(Kind::Path(rest.join(&b'/'), entry)))
    }

    /// Looks a name up in each of several directories.
    pub(super) fn lookup_names(&mut self, data: &[u8]) -> Result<Answer, Failure> {
        let mut reader = Reader::new(data);
        let mut entries = Vec::new();
        while !reader.rest().is_empty() {
            let set = CapabilitySet::parse(&mut reader).map_err(|_| Status::BadArgument)?;
            let name = reader.string().map_err(|_| Status::BadArgument)?;
            entries.push(self.lookup_name(&set, name));
        }
        Ok(Answer(Kind::Names(entries)))
    }

    fn lookup_name(&mut self, set: &CapabilitySet, name: &[u8]) -> Result<Entry, Failure> {
        let own = self.own_member(set).ok_or(Status::BadCapability)?;
        let (directory, rights, _) = self.open(&own.private)?;
        let (row, mask) = directory.lookup(name, rights)?;
        let row = row.clone();
        self.restricted(&row, mask)
    }

    /// The capability of this server in a set.
    pub(super) fn own_member(&self, set: &CapabilitySet) -> Option<Capability> {
        let mut all = set.members().map(|member| member.capability);
        all.find(|capability| capability.port == self.port)
    }

    /// A row's set with the rights of a mask, as far as it can be made here.
    fn restricted(&mut self, row: &Row, mask: Rights) -> Result<Entry, Failure> {
        let mut members = Vec::new();
        for member in row.set.members() {
            let capability = &member.capability;
            let private = &capability.private;
            let here = if private.rights.0 & mask.0 == private.rights.0 {
                Some(*private)
            } else if private.rights == Rights::ALL {
                Some(private.restrict(mask, private.check))
            } else if capability.port == self.port {
                // One that proves nothing is given to nobody.
                let Ok(restricted) = self.restrict(private, mask) else {
                    continue;
                };
                Some(restricted)
            } else {
                None
            };
            let member = Member {
                capability: Capability {
                    private: here.unwrap_or(*private),
                    ..*capability
                },
                is_current: member.is_current,
            };
            members.push((member, here.is_none().then_some(mask)));
        }
        if members.is_empty() && row.set.members().next().is_some() {
            return Err(Own::Unreachable.into());
        }
        Ok(Entry {
            kind: row.kind,
            time: row.time,
            wanted: row.set.wanted,
            members,
        })
    }

    /// A capability of this server with only the rights that a mask keeps.
    pub(super) fn restrict(&mut self, private: &Private, mask: Rights) -> Result<Private, Failure> {
        if let Ok(_rights) = self.super_rights(private) {
            let check = self.table.commit().public.private.check;
            return Ok(private.restrict(mask, check));
        }
        let (directory, _, _) = self.open(private)?;
        Ok(private.restrict(mask, directory.check))
    }
}
