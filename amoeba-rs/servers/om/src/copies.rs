//! Files in copies.

use crate::world::World;
use alloc::vec::Vec;
use proto::capability::Capability;
use proto::capability_set::{CapabilitySet, Member};
use proto::standard::Status;

/// Gives the file of a row a copy on each of the servers, if one of them has the file already: how many copies were made. Copies that are lost
/// leave the row's set as long as there is another one.
///
/// # Errors
/// Why a copy or the row's change failed. A row that somebody else has changed meanwhile stays as it is.
pub fn replicate(
    world: &mut impl World,
    servers: &[Capability],
    (directory, name): (&CapabilitySet, &[u8]),
    set: &CapabilitySet,
) -> Result<u32, Status> {
    let old: Vec<Member> = set.members().copied().collect();
    let has_copy = |server: &Capability, members: &[Member]| {
        members.iter().any(|member| member.capability.port == server.port)
    };
    if !servers.iter().any(|server| has_copy(server, &old)) {
        return Ok(0);
    }
    let mut members = old.clone();
    members.retain(|member| world.kind(&member.capability) != Err(Status::BadCapability));
    let Some(original) = members.first().map(|member| member.capability) else {
        return Err(Status::BadCapability);
    };
    let (mut copies, mut failure) = (Vec::new(), None);
    for server in servers {
        if has_copy(server, &members) {
            continue;
        }
        match world.copy(server, &original) {
            Ok(capability) => {
                copies.push(capability);
                members.push(Member {
                    capability,
                    is_current: true,
                });
            }
            Err(why) => failure = Some(why),
        }
    }
    if members != old {
        let installed = install(world, (directory, name), &members, &old[0].capability);
        if let Err(why) = installed {
            copies.iter().for_each(|copy| world.destroy(copy));
            return Err(why);
        }
    }
    failure.map_or(Ok(copies.len() as u32), Err)
}

fn install(
    world: &mut impl World,
    (directory, name): (&CapabilitySet, &[u8]),
    members: &[Member],
    old: &Capability,
) -> Result<(), Status> {
    let mut set = CapabilitySet::default();
    set.wanted = members.len() as u16;
    for member in members {
        set.add(*member).map_err(|_| Status::NoSpace)?;
    }
    world.install(directory, name, &set, old)
}
