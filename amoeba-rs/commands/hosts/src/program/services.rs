//! Commands about a boot server and its services: `boot_conf`, `boot_config`, `boot_ctl`, `boot_reinit`, `boot_setio`, `boot_shutdown`.

use super::{Command, Error};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use boot_server::Configuration;
use libamoeba::classes::{boot, disk};
use libamoeba::stream::{self, Input, Output};
use libamoeba::system::Kernel;
use proto::boot::{ControlOption, Header};
use proto::capability::Capability;
use proto::disk::SECTOR;
use proto::disk::server::LEAST_BLOCK;
use proto::standard::Status;

/// The boot server if none is named.
const SERVER: &str = "/profile/cap/bootsvr/default";

impl<'a> Command<'a> {
    /// The boot server (`-b PATH`), and the words behind it.
    fn boot_server(&self) -> Result<(Capability, &[&'a str]), Error> {
        match self.words.as_slice() {
            ["-b", path, rest @ ..] => Ok((self.object(path)?, rest)),
            words => Ok((self.object(SERVER)?, words)),
        }
    }
}

fn wrong(status: Status) -> Error {
    Error::of("boot server", status)
}

/// Has the boot server read its configuration again.
pub(super) fn reinitialise(command: &Command<'_>) -> Result<(), Error> {
    match command.boot_server()? {
        (server, []) => boot::reinitialise(&mut Kernel, &server).map_err(wrong),
        _ => Err(Error::Usage("boot_reinit [-b server]")),
    }
}

/// Has all services end.
pub(super) fn shut_down(command: &Command<'_>) -> Result<(), Error> {
    match command.boot_server()? {
        (server, []) => boot::shut_down(&mut Kernel, &server).map_err(wrong),
        _ => Err(Error::Usage("boot_shutdown [-b server]")),
    }
}

/// Has the boot server tell on another terminal what happens.
pub(super) fn set_output(command: &Command<'_>) -> Result<(), Error> {
    let (server, [terminal]) = command.boot_server()? else {
        return Err(Error::Usage("boot_setio [-b server] terminal"));
    };
    let terminal = command.object(terminal)?;
    boot::set_output(&mut Kernel, &server, &terminal).map_err(wrong)
}

/// Has services run, or not.
pub(super) fn configure(command: &Command<'_>) -> Result<(), Error> {
    const USAGE: Error = Error::Usage("boot_conf [-b server] up|down service...");
    let (server, words) = command.boot_server()?;
    let (is_wanted, services) = match words {
        ["up", services @ ..] => (true, services),
        ["down", services @ ..] => (false, services),
        _ => return Err(USAGE),
    };
    if services.is_empty() {
        return Err(USAGE);
    }
    for service in services {
        boot::configure(&mut Kernel, &server, service, is_wanted)
            .map_err(|status| Error::of(service, status))?;
    }
    Ok(())
}

/// Changes how much the boot server tells.
pub(super) fn control(command: &Command<'_>) -> Result<(), Error> {
    let option = match command.boot_server()? {
        (server, ["verbose"]) => (server, ControlOption::Verbose),
        (server, ["quiet"]) => (server, ControlOption::Quiet),
        _ => return Err(Error::Usage("boot_ctl [-b server] verbose|quiet")),
    };
    boot::control(&mut Kernel, &option.0, option.1).map_err(wrong)
}

/// Shows the configuration on a boot server's virtual disk, or writes another one there, which is read from a file or from the input (`-`).
pub(super) fn configuration(command: &Command<'_>) -> Result<(), Error> {
    let (path, file) = match command.words.as_slice() {
        [path] => (path, None),
        [path, file] => (path, Some(file)),
        _ => return Err(Error::Usage("boot_config disk [file|-]")),
    };
    let volume = command.object(path)?;
    let failed = |status: Status| Error::of(path, status);
    let mut sector = [0; SECTOR];
    disk::read(&mut Kernel, &volume, LEAST_BLOCK, 0, &mut sector).map_err(failed)?;
    let header = Header::parse(&sector).map_err(|error| Error::new(path, error))?;
    let Some(file) = file else {
        let mut text = sectors(&header)?;
        disk::read(&mut Kernel, &volume, LEAST_BLOCK, first(&header), &mut text).map_err(failed)?;
        text.truncate(header.configuration.size as usize);
        let mut output = Output::new(command.arguments.stream("STDOUT"));
        let written = output.write(&mut Kernel, &text);
        return written
            .and_then(|()| output.flush(&mut Kernel))
            .map_err(|status| Error::of("output", status));
    };
    let text = if *file == "-" {
        Input::new(command.arguments.stream("STDIN")).read_all(&mut Kernel)
    } else {
        stream::file(&mut Kernel, &command.object(file)?)
    };
    let text = text.map_err(|status| Error::of(file, status))?;
    check(&text).map_err(|why| Error::new(file, why))?;
    let blocks = disk::size(&mut Kernel, &volume, header.block_shift as u16).map_err(failed)?;
    let header = header
        .with_configuration(text.len() as u32, blocks.into())
        .ok_or_else(|| Error::new(path, "no room beside the present configuration"))?;
    let mut bytes = sectors(&header)?;
    bytes[..text.len()].copy_from_slice(&text);
    disk::write(&mut Kernel, &volume, LEAST_BLOCK, first(&header), &bytes).map_err(failed)?;
    // The header is one sector: there is the former configuration or the new one, whatever happens.
    let emitted = header.emit();
    sector[..emitted.len()].copy_from_slice(&emitted);
    disk::write(&mut Kernel, &volume, LEAST_BLOCK, 0, &sector).map_err(failed)
}

/// Whether a boot server could work with a configuration.
fn check(text: &[u8]) -> Result<(), String> {
    let text = core::str::from_utf8(text).map_err(|_| String::from("no text"))?;
    match Configuration::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(alloc::format!("{error}")),
    }
}

/// The first sector of the configuration.
fn first(header: &Header) -> u32 {
    header.configuration.block << (header.block_shift - u32::from(LEAST_BLOCK))
}

/// Room for the sectors of the configuration.
fn sectors(header: &Header) -> Result<Vec<u8>, Error> {
    Ok(vec![
        0;
        (header.configuration.size as usize).next_multiple_of(SECTOR)
    ])
}
