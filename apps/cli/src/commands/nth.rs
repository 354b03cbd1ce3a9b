//! A certificate by its number in the list.

use usbtoken::error::{Fact, Step};
use usbtoken::{Code, Error, Result};

use super::show::list;
use crate::args::{Command, FromArgs, Which};
use crate::run::Run;

/// Puts in the place of `--nth` what it means: the token and the serial number, or the place on this computer. The numbers are those
/// of `list --everywhere` over all tokens.
///
/// # Errors
/// [`Code::OldAmbiguous`] where that list over all tokens and the one of the token give the number to different certificates;
/// [`Code::CredentialNotFound`] where the list is shorter; [`Code::BadArgument`] beside a place; as [`list::numbered`].
pub fn choose(run: &mut Run, command: &mut Command) -> Result<()> {
    let Some((which, from)) = command.which() else { return Ok(()) };
    let Some(number) = which.nth.take() else { return Ok(()) };
    let detail = |detail| Error::new(Code::BadArgument).fact(Fact::Detail, detail);
    if from.as_ref().is_some_and(|from| from.from.is_some()) {
        return Err(detail("--nth, --from"));
    }
    let beyond = from.is_some();
    // Also where there is no such number, so that the last one is said.
    let is_beyond = |on_tokens: usize| beyond && (number > on_tokens || number == 0);
    let mut all = list::numbered(run, is_beyond)?;
    let at = number.checked_sub(1);
    // With a token named as well, the number has to mean in its own list what it means in the one over all, which people have seen
    // without naming one.
    if let Some(token) = run.global.token.take() {
        let own = std::mem::replace(&mut all, list::numbered(run, is_beyond)?);
        run.global.token = Some(token);
        let serials = [&own, &all].map(|all| at.and_then(|at| all.get(at)).map(|one| &one.serial));
        if let [Some(own), Some(of_all)] = serials
            && own != of_all
        {
            let error = Error::new(Code::OldAmbiguous).during(Step::ReadPlace);
            let error = error.fact(Fact::Found, format!("--nth {number}"));
            return Err(error.fact(Fact::Candidate, own).fact(Fact::Candidate, of_all));
        }
    }
    let Some(meant) = at.and_then(|at| all.get(at)) else {
        let error = Error::new(Code::CredentialNotFound).during(Step::ReadObjects);
        return Err(error.fact(Fact::Found, format!("--nth {number}")).fact(Fact::Limit, all.len()));
    };
    which.serial = Some(meant.serial.clone());
    match (&meant.at, from) {
        (Ok(uri), _) => {
            run.global.token.get_or_insert_with(|| uri.to_string());
        }
        (Err(place), Some(from)) => from.from = Some(place.clone()),
        (Err(_), None) => {}
    }
    Ok(())
}

impl Command {
    /// Where this command says which certificate is meant.
    fn which(&mut self) -> Option<(&mut Which, Option<&mut FromArgs>)> {
        match self {
            Command::Preflight(args) => Some((&mut args.which, Some(&mut args.old))),
            Command::Renew(args) => Some((&mut args.which, Some(&mut args.old))),
            Command::Request(args) => Some((&mut args.which, Some(&mut args.old))),
            Command::Confirm(args) => Some((&mut args.which, None)),
            _ => None,
        }
    }
}
