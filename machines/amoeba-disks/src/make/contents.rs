//! What has a name: files, servers and hosts.

use std::borrow::Cow;

use proto::capability::{Capability, Port, Private};
use proto::capability_set::CapabilitySet;
use proto::one_way::one_way;
use proto::process::Descriptor;

use super::{MakeError, Maker, Sources, impossible, public};
use crate::description::Host;
use crate::names::{DIRECTORY, FILE, Found, SERVER};

impl<'a, S: Sources> Maker<'a, S> {
    /// The whole name space.
    pub(super) fn name(&mut self) -> Result<(), MakeError> {
        let description = self.description;
        for (number, entry) in (0..).zip(&self.stores.list) {
            let Some((_, store)) = entry else { continue };
            let server = CapabilitySet::single(store.server());
            if number == 0 {
                self.names.enter("/super/cap/bulletsvr/default", server, SERVER)?;
            }
            self.names
                .enter(&format!("/super/cap/bulletsvr/bullet{number}"), server, SERVER)?;
        }
        for directory in &description.directory {
            self.names.directory(&directory.name)?;
        }
        for file in &description.file {
            let contents = self.contents(&file.from)?;
            let set = self.store(&file.name, &contents)?;
            self.names.enter(&file.name, set, FILE)?;
        }
        for folder in &description.folder {
            self.folder(&folder.name, &folder.from)?;
        }
        for server in &description.server {
            let own = self.drawn.server(&server.name);
            self.own.insert(server.name.clone(), own);
            let set = CapabilitySet::single(public(own));
            self.names
                .enter(&server.name, set, server.rights.unwrap_or(SERVER))?;
        }
        if description.disk.values().any(|disk| disk.boot.is_some()) {
            let own = CapabilitySet::single(public(self.boot_server()));
            self.names.enter("/super/cap/bootsvr/default", own, SERVER)?;
        }
        if description.disk.values().any(|disk| disk.soap.is_some()) {
            let identity = self.identity();
            let own = Capability {
                port: identity.public,
                private: Private::owner(0, identity.check),
            };
            let set = CapabilitySet::single(public(own));
            self.names.enter("/super/cap/soapsvr/default", set, SERVER)?;
        }
        self.hosts()?;
        for link in &description.link {
            match proto::capability_text::parse(&link.to) {
                Some(capability) => {
                    let set = CapabilitySet::single(capability);
                    self.names.enter(&link.name, set, link.rights.unwrap_or(SERVER))?;
                }
                None => self.names.link(&link.name, &link.to, link.rights)?,
            }
        }
        Ok(())
    }

    pub(super) fn contents(&self, from: &str) -> Result<Cow<'a, [u8]>, MakeError> {
        match from.strip_prefix("builtin:") {
            Some(name) => {
                let contents = self.sources.builtin(name);
                contents.ok_or_else(|| impossible(format!("there is no program `builtin:{name}`")))
            }
            None => match self.sources.read(from) {
                Ok(contents) => Ok(contents.into()),
                Err(error) => Err(MakeError::Unreadable {
                    path: from.to_owned(),
                    error,
                }),
            },
        }
    }

    fn folder(&mut self, name: &str, from: &str) -> Result<(), MakeError> {
        self.names.directory(name)?;
        let is_builtin = from == "builtin";
        let list = if is_builtin {
            self.sources.builtins()
        } else {
            self.sources.list(from).map_err(|error| MakeError::Unreadable {
                path: from.to_owned(),
                error,
            })?
        };
        for entry in list {
            let place = if is_builtin {
                format!("builtin:{entry}")
            } else {
                format!("{from}/{entry}")
            };
            let contents = self.contents(&place)?;
            // Kernels are among the built-in images, but no programs.
            if is_builtin && Descriptor::parse(&contents).is_err() {
                continue;
            }
            let name = format!("{}/{entry}", name.trim_end_matches('/'));
            // A file that was named by itself stands in the place of the folder's.
            if matches!(self.names.find(&name), Ok(Found::Object(_))) {
                continue;
            }
            let set = self.store(&name, &contents)?;
            self.names.enter(&name, set, FILE)?;
        }
        Ok(())
    }

    fn hosts(&mut self) -> Result<(), MakeError> {
        for Host { name, count, .. } in &self.description.host {
            if count.is_some_and(|count| !(1..=1000).contains(&count)) {
                return Err(impossible(format!("host `{name}`: a count is 1 to 1000")));
            }
        }
        for (name, mac, pool) in self.description.hosts() {
            let secret = Port(mac);
            // The directory of a kernel is its object 1; get-port and check field are its first card's address.
            let kernel = CapabilitySet::single(Capability {
                port: one_way(secret),
                private: Private::owner(1, secret),
            });
            let path = format!("/super/hosts/{name}");
            self.names.enter(&path, kernel, DIRECTORY)?;
            if let Some(pool) = pool {
                self.names
                    .link(&format!("/super/pools/default/{pool}/{name}"), &path, None)?;
            }
        }
        Ok(())
    }
}
