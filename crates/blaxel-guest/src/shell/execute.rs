//! Execution of the syntax tree.

use std::sync::Arc;

use futures_util::future::join_all;

use super::io::Io;
use super::names::{is_builtin, is_special};
use super::parser::{Parser, SyntaxError};
use super::syntax::{
    AndOr, Command, Compound, Connector, Dialect, Item, List, Pipeline, Redirect, Simple,
};
use super::{Boxed, MAX_DEPTH, Run, Shell, Stop, commands, scripted};
use crate::kernel::is_harmless;
use crate::script::Script;

impl Shell {
    /// Runs a program to its end and returns its status.
    pub(super) async fn program(&mut self, text: &str) -> i32 {
        let end = self.source(text).await;
        self.finish(end).await
    }

    /// Runs the lines of a text in this shell.
    pub(super) fn source<'a>(&'a mut self, text: &'a str) -> Boxed<'a, Run> {
        Box::pin(async move {
            self.descend().await?;
            let end = self.lines(text).await;
            self.depth -= 1;
            end
        })
    }

    /// Goes one level deeper, unless the limit is reached.
    pub(super) async fn descend(&mut self) -> Result<(), Stop> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fail("Maximum recursion depth reached").await);
        }
        if self.group.is_full() {
            return Err(self.fail("Cannot fork").await);
        }
        self.depth += 1;
        Ok(())
    }

    fn lines<'a>(&'a mut self, text: &'a str) -> Boxed<'a, Run> {
        Box::pin(async move {
            let mut parser = Parser::new(text, self.dialect);
            let mut status = 0;
            loop {
                match parser.next_line() {
                    Ok(Some(list)) => status = self.list(&list).await?,
                    Ok(None) => return Ok(status),
                    Err(error) => return Err(self.report(&error).await),
                }
            }
        })
    }

    /// Reports a mistake in a program, which ends the shell.
    pub(super) async fn report(&mut self, error: &SyntaxError) -> Stop {
        let SyntaxError {
            line,
            message,
            source,
        } = error;
        let name = &self.name;
        let text = match self.dialect {
            Dialect::Dash => format!("{name}: {line}: Syntax error: {message}\n"),
            Dialect::Bash if message.starts_with("near") => {
                let place = format!("{name}: -c: line {line}");
                format!("{place}: syntax error {message}\n{place}: `{source}'\n")
            }
            Dialect::Bash if message.starts_with("unexpected end") => {
                format!("{name}: -c: line {line}: syntax error: {message}\n")
            }
            Dialect::Bash => format!("{name}: -c: line {line}: {message}\n"),
        };
        self.files.warn(text).await;
        self.goes_to_prompt = self.is_interactive;
        Stop::Exit(2)
    }

    /// Runs the action for the exit of a shell and returns its status.
    pub(super) async fn finish(&mut self, end: Run) -> i32 {
        let status = match end {
            Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => status,
            Err(Stop::Break(_) | Stop::Continue(_)) => self.status,
        };
        let Some(action) = self.traps.remove(&0) else {
            return status;
        };
        self.status = status;
        match self.source(&action).await {
            Err(Stop::Exit(status)) => status,
            _ => status,
        }
    }

    /// Runs commands in this shell, which is a subshell.
    pub(super) async fn run_subshell(&mut self, list: &List) -> i32 {
        let end = self.list(list).await;
        self.finish(end).await
    }

    fn list<'a>(&'a mut self, list: &'a List) -> Boxed<'a, Run> {
        Box::pin(async move {
            let mut status = 0;
            for Item {
                command,
                is_background,
            } in &list.0
            {
                status = match is_background {
                    true => self.start(command).await,
                    false => self.and_or(command).await?,
                };
                self.status = status;
                self.run_traps().await?;
            }
            Ok(status)
        })
    }

    /// Starts commands in the background.
    async fn start(&mut self, command: &Arc<AndOr>) -> i32 {
        let mut shell = self.subshell();
        shell.files.set(0, Io::Null);
        let command = Arc::clone(command);
        let pid = self.kernel.new_pid();
        let job = self.group.start(pid, async move {
            let end = shell.and_or(&command).await;
            shell.finish(end).await
        });
        match job {
            Some(job) => {
                self.last_job = Some(pid);
                self.jobs.push((pid, job.end()));
                0
            }
            None => {
                self.complain("Cannot fork").await;
                2
            }
        }
    }

    async fn and_or(&mut self, command: &AndOr) -> Run {
        let count = command.rest.len();
        let mut status = self.checked(&command.first, count > 0).await?;
        for (index, (connector, pipeline)) in command.rest.iter().enumerate() {
            let runs = match connector {
                Connector::And => status == 0,
                Connector::Or => status != 0,
            };
            if runs {
                self.status = status;
                status = self.checked(pipeline, index + 1 < count).await?;
            }
        }
        Ok(status)
    }

    /// Runs a pipeline, whose failure may end the shell.
    async fn checked(&mut self, pipeline: &Pipeline, is_condition: bool) -> Run {
        let is_condition = is_condition || pipeline.is_negated;
        self.conditions += usize::from(is_condition);
        let status = self.pipeline(pipeline).await;
        self.conditions -= usize::from(is_condition);
        let status = status?;
        self.status = status;
        if pipeline.is_negated {
            return Ok(i32::from(status == 0));
        }
        if status != 0 && self.options.errexit && !is_condition && self.conditions == 0 {
            return Err(Stop::Exit(status));
        }
        Ok(status)
    }

    async fn pipeline(&mut self, pipeline: &Pipeline) -> Run {
        match pipeline.commands.as_slice() {
            [command] => self.command(command).await,
            commands => Box::pin(self.pipe(commands)).await,
        }
    }

    async fn pipe(&mut self, commands: &[Command]) -> Run {
        let mut input = None;
        let mut running = Vec::new();
        let count = commands.len();
        for (index, command) in commands.iter().enumerate() {
            let mut shell = self.subshell();
            if let Some(input) = input.take() {
                shell.files.set(0, input);
            }
            if index + 1 < count {
                let (reader, writer) = Io::pipe();
                shell.files.set(1, writer);
                input = Some(reader);
            }
            // The shell, and with it the ends of the pipes, is dropped when the command ends.
            running.push(async move {
                let end = shell.command(command).await;
                shell.finish(end).await
            });
        }
        let statuses = join_all(running).await;
        let last = statuses.last().copied().unwrap_or(0);
        if self.options.pipefail {
            let failed = statuses.iter().rev().find(|status| **status != 0);
            return Ok(failed.copied().unwrap_or(0));
        }
        Ok(last)
    }

    fn command<'a>(&'a mut self, command: &'a Command) -> Boxed<'a, Run> {
        Box::pin(async move {
            match command {
                Command::Simple(simple) => Box::pin(self.simple(simple)).await,
                Command::Compound(compound, redirects) => {
                    Box::pin(self.compound(compound, redirects)).await
                }
                Command::Function(name, body) => {
                    self.functions.insert(name.clone(), Arc::clone(body));
                    Ok(0)
                }
            }
        })
    }

    async fn compound(&mut self, compound: &Compound, redirects: &[Redirect]) -> Run {
        self.step().await;
        self.descend().await?;
        let saved = (!redirects.is_empty()).then(|| self.files.clone());
        let is_redirected = self.redirect(redirects).await;
        let end = match is_redirected {
            Ok(true) => Box::pin(self.compound_body(compound)).await,
            Ok(false) => Ok(self.redirect_status()),
            Err(stop) => Err(stop),
        };
        self.depth -= 1;
        if let Some(saved) = saved {
            self.files = saved;
        }
        end
    }

    fn redirect_status(&self) -> i32 {
        match self.dialect {
            Dialect::Dash => 2,
            Dialect::Bash => 1,
        }
    }

    async fn condition(&mut self, list: &List) -> Run {
        self.conditions += 1;
        let status = self.list(list).await;
        self.conditions -= 1;
        status
    }

    async fn compound_body(&mut self, compound: &Compound) -> Run {
        match compound {
            Compound::Group(list) => self.list(list).await,
            Compound::Subshell(list) => {
                let mut shell = self.subshell();
                Ok(shell.run_subshell(list).await)
            }
            Compound::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    if self.condition(condition).await? == 0 {
                        return self.list(body).await;
                    }
                }
                match otherwise {
                    Some(body) => self.list(body).await,
                    None => Ok(0),
                }
            }
            Compound::While {
                is_until,
                condition,
                body,
            } => {
                self.loops += 1;
                let end = self.while_loop(*is_until, condition, body).await;
                self.loops -= 1;
                end
            }
            Compound::For { name, words, body } => {
                let values = match words {
                    Some(words) => self.fields(words).await?,
                    None => self.parameters.clone(),
                };
                self.loops += 1;
                let end = self.for_loop(name, values, body).await;
                self.loops -= 1;
                end
            }
            Compound::Case { subject, arms } => {
                let subject = self.text(subject).await?;
                for (patterns, body) in arms {
                    for pattern in patterns {
                        if self.pattern(pattern).await?.matches(&subject) {
                            return self.list(body).await;
                        }
                    }
                }
                Ok(0)
            }
            Compound::Test { line, words } => {
                self.line = *line;
                self.double_bracket(words).await
            }
            Compound::Arithmetic { line, expression } => {
                self.line = *line;
                let text = self.text(expression).await?;
                Ok(i32::from(self.evaluate(&text).await? == 0))
            }
        }
    }

    async fn while_loop(&mut self, is_until: bool, condition: &List, body: &List) -> Run {
        let mut status = 0;
        loop {
            self.step().await;
            let checked = self.condition(condition).await;
            let ends = match checked {
                Ok(checked) => {
                    if (checked == 0) == is_until {
                        return Ok(status);
                    }
                    self.list(body).await
                }
                Err(stop) => Err(stop),
            };
            match ends {
                Ok(last) => status = last,
                Err(stop) => match self.leave(stop)? {
                    true => return Ok(0),
                    false => status = 0,
                },
            }
        }
    }

    async fn for_loop(&mut self, name: &str, values: Vec<String>, body: &List) -> Run {
        let mut status = 0;
        for value in values {
            self.step().await;
            self.assign(name, value).await?;
            match self.list(body).await {
                Ok(last) => status = last,
                Err(stop) => match self.leave(stop)? {
                    true => return Ok(0),
                    false => status = 0,
                },
            }
        }
        Ok(status)
    }

    /// Decides whether a jump leaves the loop, goes on with it, or goes further.
    fn leave(&self, stop: Stop) -> Result<bool, Stop> {
        match stop {
            Stop::Break(1) => Ok(true),
            Stop::Continue(1) => Ok(false),
            Stop::Break(levels) if self.loops > 1 => Err(Stop::Break(levels - 1)),
            Stop::Continue(levels) if self.loops > 1 => Err(Stop::Continue(levels - 1)),
            Stop::Break(_) => Ok(true),
            Stop::Continue(_) => Ok(false),
            stop => Err(stop),
        }
    }

    async fn simple(&mut self, simple: &Simple) -> Run {
        self.step().await;
        self.line = simple.line;
        self.substituted = None;
        let words = self.fields(&simple.words).await?;
        let saved = self.files.clone();
        if !self.redirect(&simple.redirects).await? {
            self.files = saved;
            let status = self.redirect_status();
            let is_fatal = words.first().is_some_and(|name| is_special(name));
            if is_fatal && self.dialect == Dialect::Dash && !self.is_interactive {
                return Err(Stop::Exit(status));
            }
            return Ok(status);
        }
        let mut assignments = Vec::new();
        for (name, word) in &simple.assignments {
            let value = self.text(word).await?;
            // Later values may refer to earlier ones.
            if words.is_empty() {
                self.assign(name, value.clone()).await?;
            }
            assignments.push((name.clone(), value));
        }
        if self.options.xtrace && !(words.is_empty() && assignments.is_empty()) {
            let set = assignments
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let all: Vec<String> = set.chain(words.iter().cloned()).collect();
            self.files.warn(format!("+ {}\n", all.join(" "))).await;
        }
        let Some(name) = words.first() else {
            self.files = saved;
            return Ok(self.substituted.unwrap_or(0));
        };
        let keeps_files = name == "exec" && words.len() == 1;
        let end = Box::pin(self.invoke(&words, assignments)).await;
        if !keeps_files {
            self.files = saved;
        }
        end
    }

    /// Runs a command by its name: a function, a builtin or a program.
    pub(super) async fn invoke(
        &mut self,
        words: &[String],
        assignments: Vec<(String, String)>,
    ) -> Run {
        let Some(name) = words.first() else {
            return Ok(0);
        };
        if is_special(name) {
            for (name, value) in assignments {
                self.assign(&name, value).await?;
            }
            return self.builtin(words).await;
        }
        if let Some(body) = self.functions.get(name).cloned() {
            let restored = self.assign_for_now(assignments).await?;
            let end = Box::pin(self.call(&body, words)).await;
            self.restore(restored);
            return end;
        }
        let script = self.kernel.script(&words.join(" "));
        if is_builtin(name, self.dialect) && script.is_none() {
            let restored = self.assign_for_now(assignments).await?;
            let end = self.builtin(words).await;
            self.restore(restored);
            return end;
        }
        let mut child = self.subshell();
        for (name, value) in assignments {
            child.variables.import(&name, &value);
        }
        Ok(child.external(words, script).await)
    }

    async fn assign_for_now(
        &mut self,
        assignments: Vec<(String, String)>,
    ) -> Result<Vec<(String, Option<super::variables::Variable>)>, Stop> {
        let mut restored = Vec::new();
        for (name, value) in assignments {
            restored.push((name.clone(), self.variables.variable(&name).cloned()));
            self.assign(&name, value).await?;
            self.variables.export(&name, true);
        }
        Ok(restored)
    }

    fn restore(&mut self, restored: Vec<(String, Option<super::variables::Variable>)>) {
        for (name, variable) in restored.into_iter().rev() {
            self.variables.restore(&name, variable);
        }
    }

    async fn call(&mut self, body: &Command, words: &[String]) -> Run {
        self.descend().await?;
        let parameters = words.get(1..).unwrap_or_default().to_vec();
        let parameters = std::mem::replace(&mut self.parameters, parameters);
        let loops = std::mem::take(&mut self.loops);
        self.calls += 1;
        self.locals.push(Vec::new());
        let end = self.command(body).await;
        let locals = self.locals.pop().unwrap_or_default();
        self.restore(locals);
        self.calls -= 1;
        self.depth -= 1;
        self.loops = loops;
        self.parameters = parameters;
        match end {
            Err(Stop::Return(status)) => Ok(status),
            end => end,
        }
    }

    /// Runs a program in this shell, which is a copy for it.
    pub(super) fn external<'a>(
        &'a mut self,
        words: &'a [String],
        script: Option<Script>,
    ) -> Boxed<'a, i32> {
        Box::pin(async move {
            if let Err(Stop::Exit(status)) = self.descend().await {
                return status;
            }
            let mut raised = self.group.raised();
            let (before, _) = *raised.borrow_and_update();
            let run = async {
                match script {
                    Some(script) => self.scripted(&script).await,
                    None => Box::pin(commands::run(self, words)).await,
                }
            };
            tokio::select! {
                status = run => status,
                // The sender lives in the group.
                Ok(raised) = raised.wait_for(|(count, signal)| *count > before && !is_harmless(*signal)) => 128 + raised.1,
            }
        })
    }

    pub(super) async fn scripted(&self, script: &Script) -> i32 {
        scripted::run(script, &self.files, &self.kernel.clock).await
    }

    /// Runs the actions of signals that have arrived, or ends the shell if it has none.
    pub(super) async fn run_traps(&mut self) -> Result<(), Stop> {
        if !self.raised.has_changed().unwrap_or(false) {
            return Ok(());
        }
        let (_, signal) = *self.raised.borrow_and_update();
        match self.traps.get(&signal).cloned() {
            Some(action) => {
                let status = self.status;
                self.source(&action).await?;
                self.status = status;
                Ok(())
            }
            // A subshell has no actions of its own.
            None if is_harmless(signal) => Ok(()),
            None => {
                self.goes_to_prompt = self.is_interactive;
                Err(Stop::Exit(128 + signal))
            }
        }
    }
}
