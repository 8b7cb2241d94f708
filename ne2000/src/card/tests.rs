//! Two cards programmed as Amoeba's driver does it, on a cable that carries one frame after the other; and what
//! holds for any software.

mod driver;
mod properties;
