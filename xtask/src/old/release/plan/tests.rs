use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn crate_(name: &str, uses: &[&str]) -> Facts {
    Facts {
        name: name.to_owned(),
        manifest: version("0.1.0"),
        released: Some(version("0.1.0")),
        uses: uses.iter().map(ToString::to_string).collect(),
        changes: Changes::default(),
    }
}

fn commit(subject: &str) -> Commit {
    Commit {
        id: "1f".to_owned(),
        subject: subject.to_owned(),
        body: String::new(),
        files: vec!["src/lib.rs".to_owned()],
    }
}

fn touched(subject: &str) -> Changes {
    Changes {
        files: true,
        commits: vec![commit(subject)],
        ..Changes::default()
    }
}

fn api(removed: &[&str], added: &[&str]) -> Changes {
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
    Changes {
        api: Difference {
            removed: lines(removed),
            added: lines(added),
        },
        ..touched("Fly")
    }
}

/// The releases as `name version level`.
fn due(facts: &[Facts]) -> Vec<String> {
    let releases = Plan::of(facts.to_vec()).releases;
    let line = |release: &Release| format!("{} {} {}", release.name, release.next, release.level);
    releases.iter().map(line).collect()
}

#[test]
fn each_kind_of_change_has_its_level() {
    let level = |changes| {
        let mut kite = crate_("kite", &[]);
        kite.changes = changes;
        due(&[kite])
    };
    assert_eq!(level(touched("Mend a knot")), ["kite 0.1.1 fix"]);
    assert_eq!(level(api(&[], &["fn fly()"])), ["kite 0.1.1 addition"]);
    assert_eq!(level(api(&["fn fly()"], &[])), ["kite 0.2.0 breaking"]);
    assert_eq!(level(touched("fix!: fly")), ["kite 0.2.0 breaking"]);
    let inherited = Changes {
        inherited: vec!["wind".to_owned()],
        ..Changes::default()
    };
    assert_eq!(level(inherited), ["kite 0.1.1 fix"]);
    assert!(level(Changes::default()).is_empty());
}

#[test]
fn a_crate_without_a_release_goes_out_as_its_manifest_says() {
    let mut kite = crate_("kite", &[]);
    kite.released = None;
    kite.manifest = version("0.3.0");
    assert_eq!(due(&[kite]), ["kite 0.3.0 first release"]);
}

#[test]
fn a_version_raised_by_hand_stands() {
    let mut kite = crate_("kite", &[]);
    kite.manifest = version("1.0.0");
    kite.changes = touched("Call it done");
    // It breaks users too: they do not take 1.0.0 for 0.1.0.
    let user = crate_("user", &["kite"]);
    assert_eq!(
        due(&[kite, user]),
        ["kite 1.0.0 fix", "user 0.2.0 breaking"]
    );
}

#[test]
fn a_fix_concerns_nobody_else() {
    let mut kite = crate_("kite", &[]);
    kite.changes = touched("Mend a knot");
    let plan = Plan::of(vec![kite, crate_("user", &["kite"])]);
    assert_eq!(plan.releases.len(), 1);
    assert_eq!(plan.left_out[0].name, "user");
}

#[test]
fn a_follower_says_whom_it_follows() {
    let mut kite = crate_("kite", &[]);
    kite.changes = api(&["fn fly()"], &[]);
    let plan = Plan::of(vec![kite, crate_("user", &["kite"])]);
    let user = &plan.releases[1];
    assert_eq!(user.follows, [("kite".to_owned(), version("0.2.0"))]);
    assert!(!user.changes_itself());
}

/// Numbers that look like chance and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn facts(&mut self) -> Vec<Facts> {
        let names: Vec<String> = (0..=self.below(8)).map(|n| format!("crate{n}")).collect();
        let each = names.iter().enumerate();
        each.map(|(index, name)| self.crate_(name, &names[..index]))
            .collect()
    }

    fn crate_(&mut self, name: &str, before: &[String]) -> Facts {
        let uses = before
            .iter()
            .filter(|_| self.below(3) == 0)
            .cloned()
            .collect();
        let released =
            version(["0.0.1", "0.1.3", "0.2.0-rc.1", "1.2.3", "1.0.0"][self.below(5) as usize]);
        let manifest = match self.below(6) {
            0 => Version::new(released.major + 1, 0, 0),
            _ => released.clone(),
        };
        let changes = match self.below(8) {
            0 => touched("Mend a knot"),
            1 => touched("fix!: fly"),
            2 => api(&["fn fly()"], &["fn land()"]),
            3 => api(&[], &["fn land()"]),
            _ => Changes::default(),
        };
        Facts {
            name: name.to_owned(),
            manifest,
            released: (self.below(6) > 0).then_some(released),
            uses,
            changes,
        }
    }
}

/// The crates as they are once the plan is carried out.
fn apply(plan: &Plan, mut facts: Vec<Facts>) -> Vec<Facts> {
    for release in &plan.releases {
        let crate_ = facts.iter_mut().find(|crate_| crate_.name == release.name);
        let crate_ = crate_.unwrap();
        crate_.manifest = release.next.clone();
        crate_.released = Some(release.next.clone());
        crate_.changes = Changes::default();
    }
    facts
}

fn plans(mut check: impl FnMut(&[Facts], &Plan)) {
    let mut chance = Chance(7);
    for _ in 0..2000 {
        let facts = chance.facts();
        check(&facts, &Plan::of(facts.clone()));
    }
}

#[test]
fn what_was_planned_and_done_leaves_nothing_to_plan() {
    let mut releases = 0;
    plans(|facts, plan| {
        releases += plan.releases.len();
        let again = Plan::of(apply(plan, facts.to_vec()));
        assert!(again.releases.is_empty(), "{facts:#?}");
    });
    assert!(releases > 2000, "the plans are too small to tell anything");
}

#[test]
fn what_breaks_reaches_every_user_and_the_users_of_users() {
    plans(|facts, plan| {
        for release in plan
            .releases
            .iter()
            .filter(|release| release.breaks_users())
        {
            let users = facts
                .iter()
                .filter(|user| user.uses.contains(&release.name));
            for user in users {
                let of_user = plan.releases.iter().find(|other| other.name == user.name);
                let of_user = of_user.expect("a user of what breaks is due");
                // A first release has no users yet; all others hand it on.
                assert!(of_user.now.is_none() || of_user.breaks_users());
                let follows = (release.name.clone(), release.next.clone());
                assert!(of_user.follows.contains(&follows));
            }
        }
    });
}

#[test]
fn versions_rise() {
    plans(|facts, plan| {
        for release in &plan.releases {
            let before = facts.iter().find(|crate_| crate_.name == release.name);
            assert!(release.next >= before.unwrap().manifest);
            assert!(release.now.as_ref().is_none_or(|now| *now < release.next));
        }
    });
}

#[test]
fn every_crate_is_released_or_left_out_after_those_it_uses() {
    plans(|facts, plan| {
        assert_eq!(plan.releases.len() + plan.left_out.len(), facts.len());
        let order: Vec<&str> = plan
            .releases
            .iter()
            .map(|release| release.name.as_str())
            .collect();
        for (index, name) in order.iter().enumerate() {
            let crate_ = facts.iter().find(|crate_| crate_.name == *name).unwrap();
            let later = |used: &String| order[index..].contains(&used.as_str());
            assert!(!crate_.uses.iter().any(later));
        }
    });
}
