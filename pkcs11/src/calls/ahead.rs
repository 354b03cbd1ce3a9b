//! The same attributes of one object after the other: by a driver host in one message for many, since there a message costs as much
//! as many a call.

use super::attributes::{Attributes, FUNCTION, Wanted, judged};
use super::functions::{Functions, ObjectHandle, SessionHandle, another_answer};
use crate::failure::Outcome;
use crate::types::{CK_RV, CKR_OK};
use crate::wire::message::{Answer, Filled, MOST_OBJECTS, Request};
use std::collections::VecDeque;

/// How many times more objects the next message is for, where nothing was odd in the last.
const MORE: usize = 8;

/// Reads the same attributes of objects, of some before they are asked for.
///
/// The driver sees the same calls in the same order as without: an object whose values are not all there is the last of a message, so
/// that what is asked of it next comes before anything is asked of another.
pub struct Ahead<'a> {
    functions: &'a Functions,
    session: SessionHandle,
    wanted: &'a [Wanted],
    read: VecDeque<(ObjectHandle, CK_RV, Vec<Filled<'static>>)>,
    at_once: usize,
}

impl Functions {
    /// To read these attributes of several objects.
    pub fn ahead<'a>(&'a self, session: SessionHandle, wanted: &'a [Wanted]) -> Ahead<'a> {
        Ahead { functions: self, session, wanted, read: VecDeque::new(), at_once: MORE }
    }
}

impl Ahead<'_> {
    /// The attributes of an object, as [`Functions::attributes_where`] reads them where all make sense.
    ///
    /// `next` are this object and those for which this is called next, in this order.
    pub fn attributes<'o>(
        &mut self,
        object: ObjectHandle,
        next: impl FnOnce() -> &'o [ObjectHandle],
    ) -> Outcome<Attributes> {
        let is_it = |(read, ..): &mut (ObjectHandle, _, _)| *read == object;
        if self.read.is_empty() && self.functions.is_hosted() {
            self.read_more(next())?;
        }
        match self.read.pop_front_if(is_it) {
            Some((_, rv, filled)) => {
                let read = judged(self.wanted, rv, filled);
                self.functions.gone_on_with(self.session, object, self.wanted, |_, _| true, read)
            }
            None => self.functions.attributes_where(self.session, object, self.wanted, |_, _| true),
        }
    }

    /// One message, for more objects the longer nothing was odd.
    fn read_more(&mut self, next: &[ObjectHandle]) -> Outcome<()> {
        let (now, _) = next.split_at(next.len().min(self.at_once));
        let request = Request::GetAttributeValues {
            session: self.functions.session(FUNCTION, self.session)?,
            objects: now.iter().map(|object| object.0).collect(),
            rooms: self.wanted.iter().map(Wanted::room).collect(),
        };
        let reply = self.functions.perform(&request)?;
        let Answer::Several(several) = reply.answer else { return Err(another_answer(FUNCTION)) };
        let last = several.len().saturating_sub(1);
        self.at_once = if several.len() == now.len() { (self.at_once * MORE).min(MOST_OBJECTS) } else { 1 };
        let read = now.iter().zip(several).enumerate().map(|(at, (object, filled))| {
            let rv = if at == last { reply.rv } else { CKR_OK };
            (*object, rv, filled)
        });
        self.read.extend(read);
        Ok(())
    }
}
