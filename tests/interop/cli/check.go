// Check tests a running emulator with the platform's command line tool. See ../README.md.
//
// Required environment variables: BL_API_URL, BL_RUN_URL, BL_WORKSPACE, BL_API_KEY and
// BL_CLIENT_CREDENTIALS (base64 of `id:secret`), and HOME, a writable directory.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A document has the members of a resource that the checks read.
type document struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		Region  string
		Runtime struct {
			Image  string
			Memory int
		}
	}
	Status string
}

func main() {
	s := &suite{
		tool:              beside("toolkit"),
		name:              fmt.Sprintf("interop-cli-%d", os.Getpid()),
		workspace:         os.Getenv("BL_WORKSPACE"),
		apiKey:            os.Getenv("BL_API_KEY"),
		clientCredentials: os.Getenv("BL_CLIENT_CREDENTIALS"),
	}
	// The tool finds its workspace, its credential and nothing else where it has stored them.
	for _, name := range []string{"BL_WORKSPACE", "BL_API_KEY", "BL_CLIENT_CREDENTIALS"} {
		os.Unsetenv(name)
	}
	s.signIn()
	s.files()
	s.workloads()
	s.deployments()
	s.sandboxes()
	s.catalog()
	fmt.Printf("%d passed, %d failed\n", s.passed, s.failed)
	if s.passed == 0 || s.failed > 0 {
		os.Exit(1)
	}
}

// signIn checks logins. It leaves one with the API key, which all other checks use.
func (s *suite) signIn() {
	login := []string{"login", s.workspace}

	s.check("login: client credentials are exchanged for a token", func(ctx context.Context) {
		s.good(ctx, run{
			arguments:   login,
			environment: []string{"BL_CLIENT_CREDENTIALS=" + s.clientCredentials},
		})
		token := strings.TrimSpace(s.bl(ctx, "token"))
		require(strings.Count(token, ".") == 2, "the token has the length %d", len(token))
		contains(s.bl(ctx, "get", "models"), "gpt-4o-mini")
		s.bl(ctx, "logout", s.workspace)
	})

	s.check("login: a wrong key is refused", func(ctx context.Context) {
		output, code := s.output(ctx, run{arguments: login, environment: []string{"BL_API_KEY=wrong"}})
		require(code == 1, "it ended with %d: %s", code, output)
	})

	s.check("login: a key is stored, and the workspace is the current one", func(ctx context.Context) {
		s.good(ctx, run{arguments: login, environment: []string{"BL_API_KEY=" + s.apiKey}})
		require(strings.TrimSpace(s.bl(ctx, "token")) == s.apiKey, "the key is another one")
		contains(s.bl(ctx, "workspaces"), s.workspace, "*")
	})
}

// kinds are the kinds of resources that `bl apply` creates, with their specifications.
var kinds = []struct{ name, spec string }{
	{"Agent", "{runtime: {image: 'registry/agent:1', memory: 2048}}"},
	{"Function", "{runtime: {image: 'registry/function:1', memory: 2048}}"},
	{"Job", "{runtime: {image: 'registry/job:1', memory: 2048}}"},
	{"Model", "{runtime: {type: openai, model: gpt-4o}}"},
	{"Application", "{image: 'registry/application:1', memory: 2048, port: 8080}"},
	{"Sandbox", "{enabled: true, region: us-pdx-1, runtime: {image: 'blaxel/base-image:latest', memory: 2048}}"},
	{"Volume", "{size: 1024, region: us-pdx-1}"},
	{"VolumeTemplate", "{defaultSize: 1024}"},
	{"Policy", "{type: maxToken, resourceTypes: [model], maxTokens: {total: 1000}}"},
	{"IntegrationConnection", "{integration: github, config: {owner: interop}}"},
}

// manifest returns a file with a resource.
func manifest(kind, name, spec string) string {
	const header = "apiVersion: blaxel.ai/v1alpha1\n"
	return fmt.Sprintf("%skind: %s\nmetadata: {name: %s, labels: {language: yaml}}\nspec: %s\n",
		header, kind, name, spec)
}

// files checks that files are applied, read and deleted.
func (s *suite) files() {
	var manifests []string
	for _, kind := range kinds {
		manifests = append(manifests, manifest(kind.name, s.name, kind.spec))
	}
	file := strings.Join(manifests, "---\n")

	s.check("apply: a file creates a resource of each kind", func(ctx context.Context) {
		output := s.apply(ctx, file)
		for _, kind := range kinds {
			contains(output, fmt.Sprintf("Resource %s:%s ", kind.name, s.name))
		}
		contains(output, "created")
	})

	for _, kind := range kinds {
		s.check("get: "+kind.name+" by its name and in the list", func(ctx context.Context) {
			noun := strings.ToLower(kind.name)
			found := s.shown(ctx, noun, s.name)
			require(len(found) == 1 && found[0].Kind == kind.name, "%v", found)
			require(found[0].Metadata.Name == s.name, "%v", found)
			contains(s.bl(ctx, "get", plural(noun)), s.name)
		})
	}

	s.check("apply: what get prints is applied again, and changes nothing", func(ctx context.Context) {
		for _, kind := range kinds {
			noun := strings.ToLower(kind.name)
			printed := s.bl(ctx, "get", noun, s.name, "-o", "yaml")
			contains(s.apply(ctx, printed), "Resource "+kind.name+":"+s.name)
		}
		sandbox := s.shown(ctx, "sandbox", s.name)[0]
		require(sandbox.Spec.Runtime.Memory == 2048 && sandbox.Status == "DEPLOYED", "%v", sandbox)
		require(sandbox.Metadata.Labels["language"] == "yaml", "%v", sandbox)
	})

	s.check("apply: a changed file updates the resource", func(ctx context.Context) {
		spec := "{runtime: {image: 'registry/agent:2', memory: 4096}}"
		contains(s.apply(ctx, manifest("Agent", s.name, spec)), "configured")
		runtime := s.shown(ctx, "agent", s.name)[0].Spec.Runtime
		require(runtime.Image == "registry/agent:2" && runtime.Memory == 4096, "%v", runtime)
	})

	s.check("apply: a document that the server refuses is reported", func(ctx context.Context) {
		input := manifest("Agent", "'Not A Name'", "{runtime: {memory: 2048}}")
		output, code := s.output(ctx, run{arguments: []string{"apply", "-f", "-"}, input: input})
		require(code == 1, "it ended with %d: %s", code, output)
		contains(output, "error")
	})

	s.check("delete: a file deletes all its resources, and then there are none", func(ctx context.Context) {
		output := s.good(ctx, run{arguments: []string{"delete", "-f", "-"}, input: file})
		for _, kind := range kinds {
			contains(output, fmt.Sprintf("Resource %s:%s deleted", kind.name, s.name))
			contains(s.refused(ctx, "get", strings.ToLower(kind.name), s.name), "404")
		}
	})
}

// plural returns the name of a list of resources.
func plural(noun string) string {
	stem, ends := strings.CutSuffix(noun, "y")
	switch {
	case ends:
		return stem + "ies"
	case strings.HasSuffix(noun, "x"):
		return noun + "es"
	default:
		return noun + "s"
	}
}

// workloads checks calls of agents, models and jobs.
func (s *suite) workloads() {
	s.check("run: an agent answers, and one that does not exist is reported", func(ctx context.Context) {
		s.apply(ctx, manifest("Agent", s.name, "{runtime: {image: 'registry/agent:1', memory: 2048}}"))
		contains(s.bl(ctx, "run", "agent", s.name, "--data", `{"inputs": "Hello wörld"}`), "Hello wörld")
		missing := s.refused(ctx, "run", "agent", "nobody-knows-me", "--data", "{}")
		contains(missing, "WORKLOAD_NOT_FOUND")
		s.bl(ctx, "delete", "agent", s.name)
	})

	s.check("run: a model answers, whole and streamed", func(ctx context.Context) {
		arguments := []string{
			"run", "model", "gpt-4o-mini", "--path", "/v1/chat/completions", "--data",
			`{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}`,
		}
		contains(s.bl(ctx, arguments...), `"finish_reason": "stop"`)
		arguments[len(arguments)-1] = `{"model": "gpt-4o-mini", "stream": true,
			"messages": [{"role": "user", "content": "Hello"}]}`
		contains(s.bl(ctx, arguments...), "Hello")
	})

	s.check("run: a job starts an execution, which is listed, and whose log is shown", func(ctx context.Context) {
		s.apply(ctx, manifest("Job", s.name, "{runtime: {image: 'registry/job:1', memory: 2048}}"))
		contains(s.bl(ctx, "run", "job", s.name, "--data", `{"tasks": [{"n": 1}, {"n": 2}]}`), "2 task(s)")
		contains(s.bl(ctx, "get", "job", s.name, "executions", "-o", "json"), `"status"`)
		// The tool asks for logs up to the current second.
		until(ctx, func() bool { return strings.Contains(s.bl(ctx, "logs", "job", s.name), s.name) })
		s.bl(ctx, "delete", "job", s.name)
	})
}

// deployments checks that a project is deployed.
func (s *suite) deployments() {
	s.check("deploy: a project is uploaded and built, and then it answers", func(ctx context.Context) {
		// The tool looks below the current directory only.
		for name, content := range map[string]string{
			"blaxel.toml": fmt.Sprintf("name = %q\ntype = \"agent\"\n", s.name),
			"Dockerfile":  "FROM python:3.12-slim\nCOPY main.py .\nCMD [\"python3\", \"main.py\"]\n",
			"main.py":     "print('It listens at HOST and PORT.')\n",
		} {
			write(filepath.Join(s.name, name), content)
		}
		contains(s.bl(ctx, "deploy", "--yes", "--directory", s.name), "Upload completed")
		until(ctx, func() bool { return s.shown(ctx, "agent", s.name)[0].Status == "DEPLOYED" })
		contains(s.bl(ctx, "run", "agent", s.name, "--data", `{"inputs": "Hello"}`), "Hello")
		s.bl(ctx, "delete", "agent", s.name)
		s.bl(ctx, "delete", "image", "agent/"+s.name)
	})
}

// sandboxes checks the inside of a sandbox, its previews and a drive.
func (s *suite) sandboxes() {
	s.check("sandbox: a process is started, listed, and its log shown", func(ctx context.Context) {
		spec := "{region: us-pdx-1, runtime: {image: 'blaxel/base-image:latest', memory: 2048}}"
		s.apply(ctx, manifest("Sandbox", s.name, spec))
		started := s.bl(ctx, "run", "sandbox", s.name, "--path", "/process", "--data",
			`{"name": "greeting", "command": "echo hello; echo wrong >&2", "waitForCompletion": true}`)
		contains(started, `"status": "completed"`)
		contains(s.bl(ctx, "get", "sandbox", s.name, "process"), "greeting", "completed")
		contains(s.bl(ctx, "logs", "sandbox", s.name, "greeting"), "hello", "wrong")
	})

	s.check("sandbox: a preview and its token are created, listed and deleted", func(ctx context.Context) {
		const preview = "kind: Preview\nmetadata: {name: shop, resourceName: %s, resourceType: sandbox}\n" +
			"spec: {port: 3000, public: false}\n"
		contains(s.apply(ctx, fmt.Sprintf(preview, s.name)), "Resource Preview:shop created")
		contains(s.bl(ctx, "get", "sandbox", s.name, "previews"), "shop", "3000")
		const token = "kind: PreviewToken\nmetadata: {name: guest, previewName: shop, resourceName: %s, " +
			"resourceType: sandbox}\nspec: {expiresAt: '2100-01-01T00:00:00Z'}\n"
		created := s.apply(ctx, fmt.Sprintf(token, s.name))
		contains(created, "Resource PreviewToken:guest ", "bl_preview_token=")
		of := []string{"sandbox", s.name, "preview", "shop"}
		contains(s.bl(ctx, slices.Concat([]string{"get"}, of, []string{"tokens"})...), "guest")
		s.bl(ctx, slices.Concat([]string{"delete"}, of, []string{"token", "guest"})...)
		s.bl(ctx, slices.Concat([]string{"delete"}, of)...)
		output, _ := s.output(ctx, run{arguments: []string{"get", "sandbox", s.name, "previews"}})
		require(!strings.Contains(output, "shop"), "%s", output)
	})

	s.check("drive: one is created, mounted, unmounted and deleted", func(ctx context.Context) {
		s.bl(ctx, "drive", "create", "--name", s.name, "--region", "us-pdx-1")
		contains(s.bl(ctx, "drive", "list"), s.name)
		const path = "/mnt/data"
		s.bl(ctx, "drive", "mount", "--sandbox", s.name, "--drive", s.name, "--mount-path", path)
		contains(s.bl(ctx, "drive", "mounts", "--sandbox", s.name), s.name, path)
		s.bl(ctx, "drive", "unmount", "--sandbox", s.name, "--mount-path", path)
		s.bl(ctx, "drive", "delete", s.name)
		s.bl(ctx, "delete", "sandbox", s.name)
	})
}

// catalog checks what the platform offers.
func (s *suite) catalog() {
	s.check("catalog: hubs, templates and images are listed", func(ctx context.Context) {
		contains(s.bl(ctx, "get", "sandbox-hub"), "blaxel/base-image:latest")
		contains(s.bl(ctx, "get", "mcp-hub"), "github")
		contains(s.bl(ctx, "get", "templates"), "agent")
		contains(s.bl(ctx, "get", "images"), "sandbox/")
	})
}
