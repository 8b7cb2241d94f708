//! Ports: which one a name stands for, and where a client sends to.

use proto::capability::Port;

/// The get-port that a name of one to six characters stands for: its bytes, with zeros behind them. Everybody who knows the
/// name can serve there, so it is for tests and measurements.
pub fn named_port(name: &str) -> Option<Port> {
    let mut port = Port::NULL;
    let bytes = name.as_bytes();
    port.0.get_mut(..bytes.len())?.copy_from_slice(bytes);
    (port != Port::NULL).then_some(port)
}

/// The port to which clients of the server at `get_port` send.
pub fn put_port(get_port: Port) -> Port {
    proto::one_way::one_way(get_port)
}
