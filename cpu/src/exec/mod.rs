//! What the instructions do. A handler gets the core, the bus and its decoded instruction; it computes, then commits, so that
//! one that returns a fault has changed nothing. Handlers are generic over where operands are and what size they have, and
//! `forms` picks an instance for each form.

pub(crate) mod arithmetic;
pub(crate) mod bits;
pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod fetch;
pub(crate) mod flag;
pub(crate) mod multiply;
pub(crate) mod operand;
pub(crate) mod port;
pub(crate) mod shift;
pub(crate) mod stack;
pub(crate) mod string;
pub(crate) mod system;

use crate::Fault;
use crate::op::Flow;

/// What a handler returns.
pub(crate) type Done = Result<Flow, Fault>;
