package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// deadline is the time limit of a check.
const deadline = 30 * time.Second

// A suite runs the checks and counts their results.
type suite struct {
	// tool is the path of the command line tool, which is built beside this program.
	tool string
	// name is the name of all resources that the checks create.
	name string

	workspace, apiKey, clientCredentials string

	passed, failed int
}

// check runs a check and prints its result. The check fails if its body panics, which it does by
// the functions below.
func (s *suite) check(name string, body func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if why := failure(ctx, body); why != "" {
		s.failed++
		fmt.Printf("not ok - %s: %s\n", name, why)
		return
	}
	s.passed++
	fmt.Printf("ok - %s\n", name)
}

// failure returns on one line why a check failed, or an empty string.
func failure(ctx context.Context, body func(ctx context.Context)) (why string) {
	defer func() {
		if reason := recover(); reason != nil {
			why = strings.Join(strings.Fields(fmt.Sprint(reason)), " ")
		}
	}()
	body(ctx)
	return ""
}

// require fails the check unless a condition is true.
func require(condition bool, format string, arguments ...any) {
	if !condition {
		panic(fmt.Sprintf(format, arguments...))
	}
}

// contains asserts that a text has these parts.
func contains(text string, parts ...string) {
	for _, part := range parts {
		require(strings.Contains(text, part), "%q is not in %q", part, text)
	}
}

// A run is a call of the command line tool.
type run struct {
	arguments []string
	// input is its standard input.
	input string
	// environment is added to that of this program.
	environment []string
}

// bl runs the command line tool, which must succeed, and returns its output.
func (s *suite) bl(ctx context.Context, arguments ...string) string {
	return s.good(ctx, run{arguments: arguments})
}

// apply applies a file, which must succeed, and returns the output.
func (s *suite) apply(ctx context.Context, file string) string {
	return s.good(ctx, run{arguments: []string{"apply", "-f", "-"}, input: file})
}

// shown returns the JSON that `bl get` prints.
func (s *suite) shown(ctx context.Context, arguments ...string) (documents []document) {
	output := s.bl(ctx, append(append([]string{"get"}, arguments...), "-o", "json")...)
	err := json.Unmarshal([]byte(output), &documents)
	require(err == nil, "%v in %s", err, output)
	return documents
}

// refused runs the command line tool, which must fail, and returns its output.
func (s *suite) refused(ctx context.Context, arguments ...string) string {
	output, code := s.output(ctx, run{arguments: arguments})
	require(code == 1, "%v ended with %d: %s", arguments, code, output)
	return output
}

func (s *suite) good(ctx context.Context, run run) string {
	output, code := s.output(ctx, run)
	require(code == 0, "%v ended with %d: %s", run.arguments, code, output)
	return output
}

// output returns the output and the exit code of a run.
func (s *suite) output(ctx context.Context, run run) (string, int) {
	arguments := append([]string{"--skip-version-warning"}, run.arguments...)
	command := exec.CommandContext(ctx, s.tool, arguments...)
	command.Stdin = strings.NewReader(run.input)
	command.Env = append(os.Environ(), run.environment...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	var exit *exec.ExitError
	require(err == nil || errors.As(err, &exit), "%v", err)
	return output.String(), command.ProcessState.ExitCode()
}

// beside returns the path of a program beside this one.
func beside(program string) string {
	path, err := os.Executable()
	require(err == nil, "%v", err)
	return filepath.Join(filepath.Dir(path), program)
}

// write writes a file, and makes its directory.
func write(path, content string) {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o644)
	}
	require(err == nil, "%v", err)
}

// until calls a function every 100 ms until it returns true.
func until(ctx context.Context, done func() bool) {
	for !done() {
		select {
		case <-ctx.Done():
			panic(ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
