//! Commands about hosts, processes and services. Each is called by its own name; called as `hosts` the first argument is the name.
//!
//! * `aps [HOST]...`: lists the processes of hosts, or of all in `/profile/hosts`.
//! * `boot_conf up|down SERVICE...`: has the boot server run services, or not.
//! * `boot_config DISK [FILE|-]`: shows the configuration on a boot server's virtual disk, or writes another one there.
//! * `boot_ctl verbose|quiet`: how much the boot server tells.
//! * `boot_reinit`: has the boot server read its configuration again.
//! * `boot_setio TERMINAL`: where the boot server tells it.
//! * `boot_shutdown`: has the boot server end all services and itself.
//! * `date [MMDDhhmm[[CC]YY][.ss]]`: tells the time of the server `TOD`, or sets it.
//! * `mkhost STATION PATH`: enters at PATH the capability of the host whose first card has this station address.
//! * `ping [-c COUNT] OBJECT`: how long the server of an object takes to tell what it is.
//! * `printbuf HOST`: what the host's kernel has printed.
//! * `random [COUNT]`: so many numbers of four bytes from the server `RANDOM`.
//! * `reboot [-w] HOST [IMAGE [ARGUMENT]...]`: the host boots from an image with a command line, or as after a reset; `-w` waits until it is
//!   up again.
//! * `stun [-s CODE] PROCESS...`: stuns processes; a negative code is an emergency.
//!
//! HOST is a name in `/profile/hosts`, the path of a kernel's directory, or the station address of a machine's first card. PROCESS, OBJECT
//! and IMAGE are capabilities in writing or paths, and so are TERMINAL and DISK; a path that does not begin with a slash begins with a HOST and goes on in its kernel's directory (`pool1/ps/3`).
//! The boot server is the default one, or `-b PATH` in front of the other words of a `boot_` command.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(target_os = "none")]
extern crate alloc;
#[cfg(target_os = "none")]
mod program;

/// The commands run on a kernel of Amoeba alone; this crate's library is tested on a host.
#[cfg(not(target_os = "none"))]
fn main() {}
