//! What the profiles of a VPC want of the package repositories.

use super::{ValidProfile, refusal};
use crate::{
    api::{PackageRepositories, Reason},
    report::{Finding, Scope},
    types::ProfileKey,
};

/// What the profiles want of the package repositories, and who is refused for
/// wanting the opposite.
///
/// The older profile has its way. But a denial that is in force stays in force
/// as long as anyone still asks for it, `frozen_denier` among them: a
/// contradiction must not open what was closed.
pub(super) fn agree_on_repositories(
    profiles: &[ValidProfile],
    frozen_denier: Option<&ProfileKey>,
    in_force: Option<PackageRepositories>,
) -> (Option<PackageRepositories>, Vec<(ProfileKey, Finding)>) {
    let mut wishes = profiles
        .iter()
        .filter_map(|profile| Some((&profile.key, profile.package_repositories?)));
    let oldest = wishes.clone().next();
    let winner = match in_force {
        Some(PackageRepositories::Deny) => wishes
            .find(|(_, wish)| *wish == PackageRepositories::Deny)
            .or(frozen_denier.map(|key| (key, PackageRepositories::Deny)))
            .or(oldest),
        Some(PackageRepositories::Allow) | None => oldest,
    };
    let Some((winner, agreed)) = winner else {
        return (None, Vec::new());
    };
    let refused = profiles
        .iter()
        .filter(|profile| profile.package_repositories.is_some_and(|wish| wish != agreed))
        .map(|profile| {
            let (theirs, wish) = match profile.package_repositories {
                Some(PackageRepositories::Allow) => ("Deny", "Allow"),
                Some(PackageRepositories::Deny) | None => ("Allow", "Deny"),
            };
            let message = format!(
                "packageRepositories: {wish} contradicts profile {winner}, which says {theirs} and came first; one VPC has \
                 one S3 endpoint policy. Remove the field here, agree with the other team, or use another VPC."
            );
            (
                profile.key.clone(),
                refusal(
                    Scope::Profile(profile.key.clone()),
                    Reason::Conflict,
                    message,
                )
                .about(winner),
            )
        })
        .collect();
    (Some(agreed), refused)
}
