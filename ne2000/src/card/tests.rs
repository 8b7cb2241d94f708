//! Two cards programmed as Amoeba's driver does it, on a cable that carries one frame after the other; every card under
//! load; copy loops; and what holds for any software.

mod copy_loops;
mod driver;
mod load;
mod properties;
