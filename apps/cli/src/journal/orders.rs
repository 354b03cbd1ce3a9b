//! The reference numbers of the orders that wait, whatever else is kept of them.

use std::path::PathBuf;

use base16ct::lower::encode_string as hex;
use serde::{Deserialize, Serialize};
use usbtoken::Result;
use usbtoken::driver::TokenIdentity;

use super::{Journal, LARGEST_RECORD, RECORD, private};
use crate::reference::Reference;

const ORDER: &str = "order";

/// An order's number, and the job that it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The token on which the key waits.
    pub token: TokenIdentity,
    /// The CKA_ID of the key that waits, in hexadecimal.
    pub key_id: String,
    /// The serial number of the certificate that is renewed, where it is known.
    pub old_serial: Option<String>,
    /// The number.
    pub reference: Reference,
}

impl Journal {
    /// Keeps the number of a job of which nothing else is kept here: another computer made it, or the folder was lost.
    ///
    /// # Errors
    /// [`usbtoken::Code::JournalUnusable`].
    pub fn keep_order(&self, order: &Order) -> Result<()> {
        private::make_folder(&self.folder).map_err(|error| self.unusable(&self.folder, error))?;
        let path = self.place(&order.token, &order.key_id, ORDER);
        let bytes = serde_json::to_vec_pretty(order).map_err(|error| self.unusable(&path, error.into()))?;
        private::write(&self.folder, &path, &bytes).map_err(|error| self.unusable(&path, error))
    }

    /// The number of the job of this key, where one is kept.
    pub fn reference(&self, token: &TokenIdentity, key_id: &[u8]) -> Option<Reference> {
        let in_record = self.entry(token, key_id).ok().flatten().and_then(|entry| entry.reference);
        in_record.or_else(|| {
            let (orders, key_id) = (self.noted_orders(), hex(key_id));
            let of_key = |order: &Order| order.key_id == key_id && order.token.is_same_token(token);
            orders.into_iter().find(of_key).map(|order| order.reference)
        })
    }

    /// The numbers of all jobs. What cannot be trusted or read is passed over.
    pub fn orders(&self) -> Vec<Order> {
        let of_job = |path: PathBuf| {
            let entry = self.read(&path).ok().flatten()?;
            let (token, key_id, old_serial) = (entry.token, entry.key_id, entry.old_serial);
            entry.reference.map(|reference| Order { token, key_id, old_serial, reference })
        };
        let jobs = self.files(|file| file.ends_with(&format!(".{RECORD}"))).unwrap_or_default();
        let mut orders: Vec<Order> = jobs.into_iter().filter_map(of_job).collect();
        for noted in self.noted_orders() {
            let is_it =
                |known: &Order| known.key_id == noted.key_id && known.token.is_same_token(&noted.token);
            if !orders.iter().any(is_it) {
                orders.push(noted);
            }
        }
        orders
    }

    fn noted_orders(&self) -> Vec<Order> {
        let read = |path: &PathBuf| {
            let bytes = private::read(path, LARGEST_RECORD).ok().flatten()?;
            serde_json::from_slice(&bytes).ok()
        };
        let files = self.files(|file| file.ends_with(&format!(".{ORDER}"))).unwrap_or_default();
        files.iter().filter_map(read).collect()
    }
}
