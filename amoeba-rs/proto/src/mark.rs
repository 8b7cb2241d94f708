//! Marks on the cable: a program that measures carries out a transaction with one of these commands before and after what it measures, with
//! a server that answers anything. Whoever looks at the cable so knows the time of what lies in between, from the first bit of its first request
//! to the first bit of the mark behind it.
//!
//! The codes are from the range that Amoeba leaves to servers that nobody has registered.

codes! {
    /// The command of a mark.
    Command: u16 {
        /// What is measured begins with the next request.
        Begin = 15_001,
        /// It has ended.
        End = 15_002,
    }
}
