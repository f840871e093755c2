package checks

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// dataPlane checks the inside of a sandbox, with the SDK's helpers: commands, files, ports, previews
// and sessions. The checks pass on simulated and on local machines.
func (s *suite) dataPlane() {
	const port = 39125
	name := s.prefix + "-machine"
	var sandbox *blaxel.SandboxInstance
	// run runs a command and returns its output.
	run := func(ctx context.Context, sandbox *blaxel.SandboxInstance, command string) string {
		return good(sandbox.Process.New(ctx, blaxel.ProcessRequestParam{
			Command: command, WaitForCompletion: blaxel.Bool(true),
		})).Stdout
	}

	s.check("command: output, errors and exit code", func(ctx context.Context) {
		params := sandboxNamed(name)
		params.Sandbox.Spec.Runtime.Envs = []blaxel.EnvParam{
			{Name: blaxel.String("COLOUR"), Value: blaxel.String("grün")},
		}
		sandbox = good(s.client.Sandboxes.NewInstance(ctx, params))
		done := good(sandbox.Process.New(ctx, blaxel.ProcessRequestParam{
			Command:           "echo $COLOUR $SIZE; pwd; echo wrong >&2; exit 3",
			Env:               map[string]string{"SIZE": "ünder"},
			WorkingDir:        blaxel.String("/tmp"),
			WaitForCompletion: blaxel.Bool(true),
		}))
		equal(done.ExitCode, 3)
		equal(done.Status, blaxel.ProcessResponseStatusFailed)
		equal(done.Stdout, "grün ünder\n/tmp\n")
		equal(done.Stderr, "wrong\n")
	})

	s.check("command: output is streamed by what it was written to", func(ctx context.Context) {
		var seen output
		done := good(sandbox.Process.ExecWithStreaming(ctx, blaxel.ProcessRequestParam{
			Command:           "for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.1; done",
			WaitForCompletion: blaxel.Bool(true),
		}, seen.options()))
		equal(done.ExitCode, 0)
		equal(strings.Fields(seen.stdout.String()), strings.Fields("out 1 out 2 out 3"))
		equal(strings.Fields(seen.stderr.String()), strings.Fields("err 1 err 2 err 3"))
	})

	s.check("command: one in the background is found, waited for, and its logs are kept", func(ctx context.Context) {
		started := good(sandbox.Process.New(ctx, blaxel.ProcessRequestParam{
			Name: blaxel.String("background"), Command: "echo a; sleep 0.3; echo b",
		}))
		equal(started.Status, blaxel.ProcessResponseStatusRunning)
		var seen output
		stream := sandbox.Process.StreamLogs(ctx, "background", seen.options())
		running := func(process blaxel.ProcessResponse) bool { return process.Name == "background" }
		require(slices.ContainsFunc(*good(sandbox.Process.List(ctx)), running), "it is not listed")
		ended := good(sandbox.Process.Wait(ctx, "background", deadline, 50*time.Millisecond))
		equal(ended.ExitCode, 0)
		equal(ended.Status, blaxel.ProcessResponseStatusCompleted)
		equal(good(sandbox.Process.GetLogs(ctx, "background")).Stdout, "a\nb\n")
		stream.Wait()
		equal(seen.stdout.String(), "a\nb\n")
		succeeded(seen.problem)
	})

	s.check("command: the log of a missing one is an error of the stream", func(ctx context.Context) {
		var seen output
		sandbox.Process.StreamLogs(ctx, "nobody-knows-me", seen.options()).Wait()
		require(seen.problem != nil, "there is a log")
	})

	s.check("command: a running one is stopped and killed; a missing one is a 404", func(ctx context.Context) {
		for _, end := range []string{"stop", "kill"} {
			good(sandbox.Process.New(ctx, blaxel.ProcessRequestParam{
				Name: blaxel.String(end), Command: "sleep 100",
			}))
			if end == "stop" {
				good(sandbox.Process.Stop(ctx, end))
			} else {
				good(sandbox.Process.Kill(ctx, end))
			}
			ended := good(sandbox.Process.Wait(ctx, end, deadline, 50*time.Millisecond))
			require(slices.Contains([]blaxel.ProcessResponseStatus{
				blaxel.ProcessResponseStatusStopped,
				blaxel.ProcessResponseStatusKilled,
				blaxel.ProcessResponseStatusFailed,
			}, ended.Status), "%s", ended.Status)
		}
		response(404, failed(sandbox.Process.Get(ctx, "nobody-knows-me")))
	})

	s.check("files: text is written, read, listed, copied and removed", func(ctx context.Context) {
		const file = "/tmp/files/ä b.txt"
		good(sandbox.FS.Mkdir(ctx, "/tmp/files/deep", ""))
		good(sandbox.FS.Write(ctx, file, "tüte\n"))
		equal(good(sandbox.FS.Read(ctx, file)), "tüte\n")
		equal(run(ctx, sandbox, "cat '"+file+"'"), "tüte\n")
		// The SDK copies with a command, and does not quote.
		succeeded(sandbox.FS.CP(ctx, "'"+file+"'", "/tmp/files/deep/copy.txt", sandbox.Process))
		equal(good(sandbox.FS.Read(ctx, "/tmp/files/deep/copy.txt")), "tüte\n")
		listed := good(sandbox.FS.LS(ctx, "/tmp/files"))
		equal(len(listed.Files), 1)
		equal(listed.Files[0].Name, "ä b.txt")
		equal(listed.Files[0].Size, 6)
		equal(len(listed.Subdirectories), 1)
		equal(listed.Subdirectories[0].Name, "deep")
		good(sandbox.FS.RM(ctx, "/tmp/files/deep", true))
		response(404, failed(sandbox.FS.Read(ctx, "/tmp/files/deep/copy.txt")))
	})

	s.check("files: bytes stay the same, also above the size of a part", func(ctx context.Context) {
		for _, size := range []int{0, 1000, 6 * 1024 * 1024} {
			content := bytes.Repeat([]byte("0123456789\x00\xff"), size/12+1)[:size]
			good(sandbox.FS.WriteBinary(ctx, "/tmp/bytes", content, "0600"))
			read := good(sandbox.FS.ReadBinary(ctx, "/tmp/bytes"))
			require(bytes.Equal(read, content), "%d bytes of %d", len(read), size)
		}
		equal(run(ctx, sandbox, "stat -c %a /tmp/bytes"), "600\n")
		copied := filepath.Join(os.TempDir(), "copy")
		succeeded(sandbox.FS.Download(ctx, "/tmp/bytes", copied))
		equal(good(os.Stat(copied)).Size(), 6*1024*1024)
	})

	s.check("files: an upload in parts is listed, and given up", func(ctx context.Context) {
		uploads := blaxel.NewSandboxFilesystemMultipartService(s.inside(sandbox)...)
		started := good(uploads.Initiate(ctx, "/tmp/parts", blaxel.SandboxFilesystemMultipartInitiateParams{}))
		part := good(uploads.UploadPart(ctx, started.UploadID, blaxel.SandboxFilesystemMultipartUploadPartParams{
			PartNumber: 1, File: strings.NewReader("one"),
		}))
		equal(part.Size, 3)
		parts := good(uploads.ListParts(ctx, started.UploadID)).Parts
		equal(len(parts), 1)
		equal(parts[0].Etag, part.Etag)
		equal(len(good(uploads.List(ctx)).Uploads), 1)
		good(uploads.Abort(ctx, started.UploadID))
		equal(len(good(uploads.List(ctx)).Uploads), 0)
		response(404, failed(sandbox.FS.Read(ctx, "/tmp/parts")))
	})

	s.check("files: a tree is written, searched and removed", func(ctx context.Context) {
		succeeded(sandbox.FS.WriteTree(ctx, map[string]string{"a/one.txt": "needle", "b/two.md": "hay"}, "/tmp/tree"))
		found := good(sandbox.FS.Find(ctx, "/tmp/tree", blaxel.SandboxFilesystemFindParams{
			Patterns: blaxel.String("*.md"),
		})).Matches
		equal(each(found, func(match blaxel.FindMatch) string { return path.Base(match.Path) }), []string{"two.md"})
		lines := good(sandbox.FS.Grep(ctx, "/tmp/tree", blaxel.SandboxFilesystemContentSearchParams{
			Query: "needle",
		})).Matches
		equal(len(lines), 1)
		equal(lines[0].Line, 1)
		equal(lines[0].Text, "needle")
		// The SDK does not know the parameter that has the text.
		near := good(sandbox.FS.Search(
			ctx, "/tmp/tree", blaxel.SandboxFilesystemSearchParams{}, option.WithQuery("query", "one"),
		)).Matches
		equal(each(near, func(match blaxel.FuzzySearchMatch) string { return path.Base(match.Path) }), []string{"one.txt"})

		files := blaxel.NewSandboxFilesystemService(s.inside(sandbox)...)
		tree := good(files.GetTree(ctx, "/tmp/tree")).AsDirectory()
		directories := each(tree.Subdirectories, func(directory blaxel.Subdirectory) string { return directory.Name })
		equal(directories, []string{"a", "b"})
		good(files.DeleteTree(ctx, "/tmp/tree", blaxel.SandboxFilesystemDeleteTreeParams{
			Recursive: blaxel.Bool(true),
		}))
		response(404, failed(sandbox.FS.LS(ctx, "/tmp/tree")))
	})

	s.check("files: a directory is watched", func(ctx context.Context) {
		good(sandbox.FS.Mkdir(ctx, "/tmp/watched", ""))
		events := make(chan blaxel.WatchEvent, 100)
		watch := sandbox.FS.Watch(ctx, "/tmp/watched", func(event blaxel.WatchEvent) {
			select {
			case events <- event:
			default:
			}
		}, &blaxel.WatchOptions{WithContent: true})
		until(ctx, func() bool {
			good(sandbox.FS.Write(ctx, "/tmp/watched/new.txt", "new"))
			select {
			case event := <-events:
				return event.Name == "new.txt" && event.Content == "new"
			default:
				return false
			}
		})
		watch.Close()
		watch.Wait()
	})

	s.check("ports: a server of the sandbox is waited for and called", func(ctx context.Context) {
		good(sandbox.FS.Write(ctx, "/tmp/site/index.html", "<h1>hello</h1>"))
		good(sandbox.Process.New(ctx, blaxel.ProcessRequestParam{
			Name:         blaxel.String("server"),
			Command:      "python3 -m http.server 39125",
			WorkingDir:   blaxel.String("/tmp/site"),
			WaitForPorts: []int64{port},
		}))
		page := good(sandbox.Fetch(ctx, port, "/index.html"))
		equal(text(page), "<h1>hello</h1>")
		response(404, failed(sandbox.Fetch(ctx, port, "missing")))
	})

	s.check("ports: a preview shows it to everybody, or to those with a token", func(ctx context.Context) {
		preview := func(name string, spec blaxel.PreviewSpecParam) *blaxel.PreviewInstance {
			spec.Port = blaxel.Int(port)
			return good(sandbox.Previews.New(ctx, previewNamed(name, spec)))
		}
		open := preview("open", blaxel.PreviewSpecParam{
			Public:          blaxel.Bool(true),
			ResponseHeaders: map[string]string{"X-Shown-By": "preview"},
		})
		page := send(ctx, http.MethodGet, open.Spec.URL+"/index.html", nil, nil)
		equal(text(page), "<h1>hello</h1>")
		equal(page.Header.Get("X-Shown-By"), "preview")
		closed := preview("closed", blaxel.PreviewSpecParam{Public: blaxel.Bool(false)})
		token := good(sandbox.Previews.NewToken(ctx, "closed", time.Now().Add(time.Minute))).Spec.Token
		for _, visit := range []struct {
			query  string
			header http.Header
			wanted int
		}{
			{"", nil, 401},
			{"?bl_preview_token=" + token, nil, 200},
			{"", http.Header{"X-Blaxel-Preview-Token": {token}}, 200},
			{"?bl_preview_token=other", nil, 401},
		} {
			page := send(ctx, http.MethodGet, closed.Spec.URL+"/index.html"+visit.query, visit.header, nil)
			text(page)
			equal(page.StatusCode, visit.wanted)
		}
		good(sandbox.Process.Kill(ctx, "server"))
	})

	s.check("session: it works with nothing but its token", func(ctx context.Context) {
		session := good(sandbox.Sessions.Create(ctx, nil))
		visitor := s.client.Sandboxes.FromSession(*session)
		equal(run(ctx, visitor, "echo visited"), "visited\n")
		good(visitor.FS.Write(ctx, "/tmp/visit", "yes"))
		equal(good(sandbox.FS.Read(ctx, "/tmp/visit")), "yes")
		same := good(sandbox.Sessions.Get(ctx, session.Name))
		equal(same.Token, session.Token)
		kept := good(sandbox.Sessions.CreateIfExpired(ctx, nil, time.Hour))
		equal(kept.Name, session.Name)
		succeeded(sandbox.Sessions.Delete(ctx, session.Name))
		equal(len(good(sandbox.Sessions.List(ctx))), 0)
		failed(visitor.Process.List(ctx, option.WithMaxRetries(0)))
	})

	s.check("code generation: without a key of a provider it is refused", func(ctx context.Context) {
		edit := blaxel.ApplyEditRequestParam{CodeEdit: "print('hello')"}
		query := blaxel.SandboxCodegenRerankingParams{Query: "greeting"}
		for _, err := range []error{
			failed(sandbox.Codegen.Fastapply(ctx, "/tmp/code.py", edit)),
			failed(sandbox.Codegen.Reranking(ctx, "/tmp", query)),
		} {
			body := response(400, err).RawJSON()
			require(strings.Contains(body, "codegen tools are not configured"), "%s", body)
		}
	})

	s.check("system: the server is healthy, and is upgraded", func(ctx context.Context) {
		before := good(sandbox.System.Health(ctx))
		equal(before.Status, "ok")
		require(before.Version != "" && before.UptimeSeconds >= 0, "%s", before.RawJSON())
		upgraded := good(sandbox.System.UpgradeAndWait(ctx, blaxel.SandboxSystemUpgradeParams{}, deadline, 1))
		require(upgraded.UpgradeCount > before.UpgradeCount, "%s", upgraded.RawJSON())
	})

	s.check("the sandbox ends with all that runs in it", func(ctx context.Context) {
		good(sandbox.Process.New(ctx, blaxel.ProcessRequestParam{Command: "sleep 100"}))
		succeeded(sandbox.Delete(ctx))
		failed(sandbox.Process.List(ctx))
	})

	s.interpreter()
}

// interpreter checks the code interpreter. Simulated machines answer all code with an error.
func (s *suite) interpreter() {
	name := s.prefix + "-interpreter"
	var interpreter *blaxel.CodeInterpreter
	const wrong = "raise ValueError('no')"

	s.check("code interpreter: code runs, and its error comes back", func(ctx context.Context) {
		interpreter = good(s.client.Sandboxes.NewCodeInterpreter(ctx, &blaxel.CodeInterpreterCreateConfig{
			Name: name, Region: region,
		}))
		equal(interpreter.Spec.Runtime.Image, blaxel.DefaultCodeInterpreterImage)
		var seen blaxel.ExecutionError
		execution := good(interpreter.RunCode(ctx, wrong, &blaxel.RunCodeOptions{
			OnError: func(problem blaxel.ExecutionError) { seen = problem },
		}))
		require(execution.Error != nil && seen.Name != "", "it succeeded")
		equal(*execution.Error, seen)
		equal(*execution.ExecutionCount, 1)
		equal(len(execution.Results), 0)
	})

	s.check("code interpreter: a context counts its own executions", func(ctx context.Context) {
		same := good(s.client.Sandboxes.GetCodeInterpreter(ctx, name))
		create := &blaxel.CreateContextOptions{Language: "python", Cwd: "/tmp"}
		for range 2 {
			in := &blaxel.RunCodeOptions{Context: good(same.CreateCodeContext(ctx, create))}
			for count := range 2 {
				equal(*good(same.RunCode(ctx, wrong, in)).ExecutionCount, int64(count+1))
			}
		}
		equal(*good(same.RunCode(ctx, wrong, nil)).ExecutionCount, 2)
		nowhere := &blaxel.RunCodeOptions{Context: &blaxel.CodeContext{ID: "nobody-knows-me"}}
		err := failed(same.RunCode(ctx, wrong, nowhere))
		require(strings.Contains(err.Error(), "404 Not Found"), "%v", err)
		succeeded(interpreter.Delete(ctx))
	})
}

// inside returns the options of services that the SDK has for the inside of a sandbox.
func (s *suite) inside(sandbox *blaxel.SandboxInstance) []option.RequestOption {
	return append(slices.Clone(s.client.Options), option.WithBaseURL(sandbox.Metadata.URL))
}

// An output is what a process has written, a line for each call back.
type output struct {
	mutex          sync.Mutex
	stdout, stderr strings.Builder
	problem        error
}

func (o *output) options() blaxel.ProcessStreamOptions {
	line := func(to *strings.Builder) func(string) {
		return func(text string) {
			o.mutex.Lock()
			defer o.mutex.Unlock()
			to.WriteString(text + "\n")
		}
	}
	return blaxel.ProcessStreamOptions{
		OnStdout: line(&o.stdout),
		OnStderr: line(&o.stderr),
		OnError:  func(problem error) { o.problem = problem },
	}
}
