//! What came of one case on both sides, and the comparison, which looks at everything that `differences` does not except.

use iced_x86::Instruction;

use super::case::{GENERAL, LONGEST, SEGMENTS};
use super::course::Course;
use super::differences::{DIFFERENCES, FOREIGN, How};
use super::layout::{CODE, descriptor};
use super::model::Model;
use super::undefined::decode;
use super::{Case, Outcome};

const CS: usize = 1;
const PAGE_FAULT: u32 = 14;

/// One case with both outcomes.
pub struct Finding<'a> {
    /// What was run.
    pub case: &'a Case,
    /// On the processor under this program.
    pub silicon: &'a Outcome,
    /// On the crate `cpu`.
    pub model: &'a Outcome,
    /// How the crate `cpu` came to it.
    pub course: &'a Course,
}

impl Finding<'_> {
    /// The instruction at which the silicon stopped.
    pub(super) fn stopped_at(&self) -> Instruction {
        self.instruction_at(self.silicon)
    }

    /// The instruction at which the crate `cpu` stopped.
    pub(super) fn model_stopped_at(&self) -> Instruction {
        self.instruction_at(self.model)
    }

    /// The instruction at the place where an outcome has stopped; an invalid one if that is no code.
    fn instruction_at(&self, outcome: &Outcome) -> Instruction {
        let bytes = self.code_at(outcome, LONGEST);
        decode(&bytes, outcome.eip, Self::is_32_bit(outcome))
    }

    /// An outcome has stopped in 32-bit code. All code segments that are not ours have it.
    pub(super) fn is_32_bit(outcome: &Outcome) -> bool {
        descriptor(outcome.segments[CS]).is_none_or(|cs| cs.is_big)
    }

    /// Linear address of the place where an outcome has stopped. All code segments that are not ours begin at 0.
    pub(super) fn linear(outcome: &Outcome) -> u32 {
        let base = descriptor(outcome.segments[CS]).map_or(0, |cs| cs.base);
        base.wrapping_add(outcome.eip)
    }

    /// The bytes at that place, at most `count`, as far as the page of code holds them.
    pub(super) fn code_at(&self, outcome: &Outcome, count: usize) -> Vec<u8> {
        let offset = Self::linear(outcome).wrapping_sub(CODE) as usize;
        let page = self.case.page();
        let left = page.get(offset..).unwrap_or(&[]);
        left[..left.len().min(count)].to_vec()
    }

    /// The bytes of an instruction of the case that begins at an offset of CS.
    pub(super) fn text_at(&self, eip: u32) -> Option<&[u8]> {
        let mut at = self.case.eip;
        self.case.instructions.iter().find_map(|bytes| {
            let here = at;
            at = at.wrapping_add(bytes.len() as u32);
            (here == eip).then_some(&bytes[..])
        })
    }

    /// All that differs and is compared.
    pub(super) fn differing(&self) -> Mismatch {
        let Finding { silicon, model, .. } = self;
        let mut found = Vec::new();
        let mut check = |name: &str, left: u32, right: u32| {
            if left != right {
                found.push(format!("{name}: silicon {left:08X}, model {right:08X}"));
            }
        };
        check("vector", silicon.vector, model.vector);
        let code_mask = if silicon.vector == PAGE_FAULT { 7 } else { u32::MAX };
        check(
            "error code",
            silicon.error_code & code_mask,
            model.error_code & code_mask,
        );
        check("address", silicon.address, model.address);
        check("eip", silicon.eip, model.eip);
        let mask = !self.course.undefined;
        check("flags", silicon.flags & mask, model.flags & mask);
        for (name, (left, right)) in GENERAL.iter().zip(silicon.general.iter().zip(model.general)) {
            check(name, *left, right);
        }
        let without_null_level = |selector: u16| u32::from(if selector < 4 { 0 } else { selector });
        for (name, (left, right)) in SEGMENTS.iter().zip(silicon.segments.iter().zip(model.segments)) {
            check(name, without_null_level(*left), without_null_level(right));
        }
        check("changed bytes", silicon.changed, model.changed);
        if silicon.changes_hash != model.changes_hash {
            found.push(format!(
                "memory: silicon {:X?}, model {:X?}",
                silicon.listed(),
                model.listed()
            ));
        }
        found
    }
}

/// What differs, in words.
pub type Mismatch = Vec<String>;

/// Of a case that raises no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both are the same in all that is compared.
    Same,
    /// The entry of [`DIFFERENCES`] that keeps it out of the comparison.
    Skipped(usize),
}

/// Compares what both made of a case.
///
/// # Errors
/// What differs, unless [`DIFFERENCES`] explain it.
pub fn compare(finding: &Finding) -> Result<Verdict, Mismatch> {
    let mismatch = finding.differing();
    if mismatch.is_empty() {
        return Ok(Verdict::Same);
    }
    let excuse = DIFFERENCES.iter().position(|difference| match difference.how {
        How::Skipped(applies) => applies(finding),
        How::NotGenerated | How::Masked => false,
    });
    excuse.map(Verdict::Skipped).ok_or(mismatch)
}

/// Of a case of which every helper process dies: nothing is wrong with that if it executes what no case has, as a system call.
#[must_use]
pub fn judge_dead(case: &Case, outcome: &Outcome, model: &mut Model) -> Option<Verdict> {
    let course = Course::of(case, model);
    let finding = Finding {
        case,
        silicon: outcome,
        model: outcome,
        course: &course,
    };
    let entry = DIFFERENCES
        .iter()
        .position(|difference| difference.name == FOREIGN)?;
    finding
        .executes_foreign_instructions()
        .then_some(Verdict::Skipped(entry))
}

/// Compares what the silicon and the crate `cpu` made of a case, with a model to follow its course.
///
/// # Errors
/// What differs, unless [`DIFFERENCES`] explain it.
pub fn judge(
    case: &Case,
    silicon: &Outcome,
    outcome: &Outcome,
    model: &mut Model,
) -> Result<Verdict, Mismatch> {
    if silicon == outcome {
        return Ok(Verdict::Same);
    }
    let course = Course::of(case, model);
    if course.outcome.as_ref() != Some(outcome) {
        return Err(vec![format!(
            "the model comes to something else when it executes one instruction at a time: {:X?}",
            course.outcome
        )]);
    }
    compare(&Finding {
        case,
        silicon,
        model: outcome,
        course: &course,
    })
}
