package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
	"github.com/blaxel-ai/sdk-go/packages/pagination"
)

// A document is a resource as the SDK decodes it.
type document interface{ RawJSON() string }

// A query selects a part of a list. Empty members are omitted.
type query struct {
	q, sort string
	limit   int
}

func (q query) options() []option.RequestOption {
	var options []option.RequestOption
	if q.q != "" {
		options = append(options, option.WithQuery("q", q.q))
	}
	if q.sort != "" {
		options = append(options, option.WithQuery("sort", q.sort))
	}
	if q.limit != 0 {
		options = append(options, option.WithQuery("limit", strconv.Itoa(q.limit)))
	}
	return options
}

// A kind is a kind of resource. Its functions call the SDK.
type kind struct {
	noun string
	// The spec of a creation, and the members that an update changes.
	spec, change object
	// The path on the run plane, if the kind has a URL there.
	called string
	// Lists are paginated rather than bare arrays.
	paged bool
	// An update creates a missing resource.
	madeByUpdate bool

	create func(context.Context, object) (document, error)
	get    func(context.Context, string) (document, error)
	remove func(context.Context, string) (document, error)
	list   func(context.Context, query) (documents []object, sizes []int)
	// There are kinds without these.
	update    func(context.Context, string, object) (document, error)
	revisions func(context.Context, string) []object
}

// table returns all kinds.
func (s *suite) table() []kind {
	c := &s.client
	return []kind{
		{
			noun:   "agent",
			spec:   object{"enabled": true, "runtime": object{"image": "registry/agent:1", "memory": 2048}},
			change: object{"runtime": object{"image": "registry/agent:1", "memory": 4096}},
			called: "agents",
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.AgentParam](body)
				return opened(c.Agents.New(ctx, blaxel.AgentNewParams{Agent: document}))
			},
			get: queried(c.Agents.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.AgentParam](body)
				return opened(c.Agents.Update(ctx, name, blaxel.AgentUpdateParams{Agent: document}))
			},
			remove:    named(c.Agents.Delete),
			list:      pages(c.Agents.List),
			revisions: nested(c.Agents.ListRevisions),
		},
		{
			noun: "function",
			spec: object{"enabled": true, "runtime": object{
				"image": "registry/function:1", "memory": 2048, "transport": "http-stream",
			}},
			change: object{"runtime": object{"image": "registry/function:2"}},
			called: "functions",
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.FunctionParam](body)
				return opened(c.Functions.New(ctx, blaxel.FunctionNewParams{Function: document}))
			},
			get: queried(c.Functions.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.FunctionParam](body)
				return opened(c.Functions.Update(ctx, name, blaxel.FunctionUpdateParams{Function: document}))
			},
			remove:    named(c.Functions.Delete),
			list:      pages(c.Functions.List),
			revisions: nested(c.Functions.ListRevisions),
		},
		{
			noun:   "model",
			spec:   object{"enabled": true, "runtime": object{"type": "openai", "model": "gpt-4o-mini"}},
			change: object{"runtime": object{"type": "openai", "model": "gpt-4o"}},
			called: "models",
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.ModelParam](body)
				return opened(c.Models.New(ctx, blaxel.ModelNewParams{Model: document}))
			},
			get: named(c.Models.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.ModelParam](body)
				return opened(c.Models.Update(ctx, name, blaxel.ModelUpdateParams{Model: document}))
			},
			remove:    named(c.Models.Delete),
			list:      pages(c.Models.List),
			revisions: nested(c.Models.ListRevisions),
		},
		{
			noun: "job",
			spec: object{"enabled": true, "runtime": object{
				"image": "registry/job:1", "memory": 2048, "maxRetries": 1, "timeout": 60,
			}},
			change: object{"runtime": object{"maxRetries": 2, "timeout": 120}},
			called: "jobs",
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.JobParam](body)
				return opened(c.Jobs.New(ctx, blaxel.JobNewParams{Job: document}))
			},
			get: queried(c.Jobs.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.JobParam](body)
				return opened(c.Jobs.Update(ctx, name, blaxel.JobUpdateParams{Job: document}))
			},
			remove:    named(c.Jobs.Delete),
			list:      pages(c.Jobs.List),
			revisions: nested(c.Jobs.ListRevisions),
		},
		{
			noun: "application",
			spec: object{
				"enabled": true, "image": "registry/application:1", "memory": 2048, "port": 8080,
			},
			change: object{"port": 8081},
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.ApplicationParam](body)
				return opened(c.Applications.New(ctx, blaxel.ApplicationNewParams{Application: document}))
			},
			get: named(c.Applications.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.ApplicationParam](body)
				return opened(c.Applications.Update(ctx, name, blaxel.ApplicationUpdateParams{Application: document}))
			},
			remove:    named(c.Applications.Delete),
			list:      pages(c.Applications.List),
			revisions: nested(c.Applications.ListRevisions),
		},
		{
			noun: "sandbox",
			spec: object{
				"region": region, "runtime": object{"image": "blaxel/base-image:latest", "memory": 4096},
			},
			change: object{"runtime": object{"memory": 8192}},
			called: "sandboxes",
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.SandboxParam](body)
				return opened(c.Sandboxes.New(ctx, blaxel.SandboxNewParams{Sandbox: document}))
			},
			get: queried(c.Sandboxes.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.SandboxParam](body)
				return opened(c.Sandboxes.Update(ctx, name, blaxel.SandboxUpdateParams{Sandbox: document}))
			},
			remove: named(c.Sandboxes.Delete),
			list:   pages(c.Sandboxes.List),
		},
		{
			noun:   "volume",
			spec:   object{"size": 1024, "region": region},
			change: object{"size": 2048},
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.VolumeParam](body)
				return opened(c.Volumes.New(ctx, blaxel.VolumeNewParams{Volume: document}))
			},
			get: named(c.Volumes.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.VolumeParam](body)
				return opened(c.Volumes.Update(ctx, name, blaxel.VolumeUpdateParams{Volume: document}))
			},
			remove: named(c.Volumes.Delete),
			list:   pages(c.Volumes.List),
		},
		{
			noun:   "drive",
			spec:   object{"region": region},
			change: object{"permissions": []any{object{"mode": "read", "path": "/"}}},
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				return opened(c.Drives.New(ctx, decoded[blaxel.DriveNewParams](body)))
			},
			get: named(c.Drives.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				return opened(c.Drives.Update(ctx, name, decoded[blaxel.DriveUpdateParams](body)))
			},
			remove: named(c.Drives.Delete),
			list:   pages(c.Drives.List),
		},
		{
			noun: "policy",
			spec: object{
				"type": "maxToken", "resourceTypes": []any{"model"},
				"maxTokens": object{"granularity": "minute", "step": 1, "total": 1000},
			},
			change: object{"maxTokens": object{"granularity": "hour", "step": 1, "total": 2000}},
			paged:  true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.PolicyParam](body)
				return opened(c.Policies.New(ctx, blaxel.PolicyNewParams{Policy: document}))
			},
			get: named(c.Policies.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.PolicyParam](body)
				return opened(c.Policies.Update(ctx, name, blaxel.PolicyUpdateParams{Policy: document}))
			},
			remove: named(c.Policies.Delete),
			list:   pages(c.Policies.List),
		},
		{
			noun:         "volume template",
			spec:         object{"defaultSize": 1024},
			change:       object{"defaultSize": 2048},
			madeByUpdate: true,
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.VolumeTemplateParam](body)
				return opened(c.VolumeTemplates.New(ctx, blaxel.VolumeTemplateNewParams{VolumeTemplate: document}))
			},
			get: named(c.VolumeTemplates.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.VolumeTemplateParam](body)
				return opened(c.VolumeTemplates.Upsert(ctx, name, blaxel.VolumeTemplateUpsertParams{VolumeTemplate: document}))
			},
			remove: named(c.VolumeTemplates.Delete),
			list:   whole(c.VolumeTemplates.List),
		},
		{
			noun:   "integration connection",
			spec:   object{"integration": "github", "config": object{"owner": "interop"}},
			change: object{"config": object{"owner": "somebody"}},
			create: func(ctx context.Context, body object) (document, error) {
				document := decoded[blaxel.IntegrationConnectionParam](body)
				return opened(c.Integrations.Connections.New(ctx, blaxel.IntegrationConnectionNewParams{IntegrationConnection: document}))
			},
			get: named(c.Integrations.Connections.Get),
			update: func(ctx context.Context, name string, body object) (document, error) {
				document := decoded[blaxel.IntegrationConnectionParam](body)
				return opened(c.Integrations.Connections.Update(ctx, name, blaxel.IntegrationConnectionUpdateParams{IntegrationConnection: document}))
			},
			remove: named(c.Integrations.Connections.Delete),
			list:   whole(c.Integrations.Connections.List),
		},
		{
			noun: "vpc",
			spec: object{"region": region},
			create: func(ctx context.Context, body object) (document, error) {
				return opened(c.Vpcs.New(ctx, decoded[blaxel.VpcNewParams](body)))
			},
			get:    named(c.Vpcs.Get),
			remove: named(c.Vpcs.Delete),
			list:   whole(c.Vpcs.List),
		},
	}
}

// named adapts a method that takes a name.
func named[R document](
	call func(context.Context, string, ...option.RequestOption) (*R, error),
) func(context.Context, string) (document, error) {
	return func(ctx context.Context, name string) (document, error) {
		return opened(call(ctx, name))
	}
}

// queried adapts a method that takes a name and a query, which is left empty.
func queried[P any, R document](
	call func(context.Context, string, P, ...option.RequestOption) (*R, error),
) func(context.Context, string) (document, error) {
	return func(ctx context.Context, name string) (document, error) {
		return opened(call(ctx, name, *new(P)))
	}
}

// nested adapts a method that lists what is below a name.
func nested[R document](
	call func(context.Context, string, ...option.RequestOption) (*[]R, error),
) func(context.Context, string) []object {
	return func(ctx context.Context, name string) []object {
		return each(*good(call(ctx, name)), members[R])
	}
}

// pages adapts a method that lists page by page.
func pages[P any, R document](
	call func(context.Context, P, ...option.RequestOption) (*pagination.CursorPage[R], error),
) func(context.Context, query) ([]object, []int) {
	return func(ctx context.Context, q query) ([]object, []int) {
		documents, sizes := walk(call(ctx, *new(P), q.options()...))
		return each(documents, members[R]), sizes
	}
}

// whole adapts a method that lists a bare array, whatever the query.
func whole[R document](
	call func(context.Context, ...option.RequestOption) (*[]R, error),
) func(context.Context, query) ([]object, []int) {
	return func(ctx context.Context, q query) ([]object, []int) {
		documents := *good(call(ctx, q.options()...))
		return each(documents, members[R]), []int{len(documents)}
	}
}

// opened returns a result as a document.
func opened[R document](result *R, err error) (document, error) {
	if err != nil {
		return nil, err
	}
	return *result, nil
}

// decoded returns an object as a type of the SDK, which encodes it again.
func decoded[P any](body object) (parameters P) {
	succeeded(json.Unmarshal(good(json.Marshal(body)), &parameters))
	return parameters
}

// members returns a document as it was received.
func members[R document](found R) object {
	return objectOf(json.RawMessage(found.RawJSON()))
}

// metadata returns a member of a document's metadata.
func metadata(document object, name string) any {
	return document["metadata"].(object)[name]
}

func nameOf(document object) string {
	name, _ := metadata(document, "name").(string)
	return name
}

// kinds checks the operations that all kinds of resources share.
func (s *suite) kinds() {
	for _, kind := range s.table() {
		s.lifeOf(kind)
	}
}

func (s *suite) lifeOf(k kind) {
	const displayName = "Interop \U0001F9ED"
	name, bare := s.prefix+"-life", s.prefix+"-bare"
	body := func(name, language string) object {
		return object{
			"metadata": object{
				"name": name, "displayName": displayName, "labels": object{"language": language},
			},
			"spec": k.spec,
		}
	}
	createRefused := refused
	if k.noun == "sandbox" {
		createRefused = sandboxRefused
	}
	var created object

	s.check(k.noun+": create gives the whole document", func(ctx context.Context) {
		created = members(good(k.create(ctx, body(name, "go"))))
		within(objectOf(body(name, "go")), created, "it")
		equal(metadata(created, "workspace"), any(s.workspace))
		good(time.Parse(time.RFC3339, metadata(created, "createdAt").(string)))
		var url any
		if k.called != "" {
			url = fmt.Sprintf("%s/%s/%s/%s", s.runURL, s.workspace, k.called, name)
		}
		equal(metadata(created, "url"), url)
	})

	s.check(k.noun+": a second one of the name is refused with 409", func(ctx context.Context) {
		err := createRefused(409, failed(k.create(ctx, body(name, "go"))))
		if k.noun == "sandbox" {
			equal(err.ErrorCode, "SANDBOX_ALREADY_EXISTS")
		}
	})

	s.check(k.noun+": get and list give what was created", func(ctx context.Context) {
		equal(members(good(k.get(ctx, name))), created)
		listed, _ := k.list(ctx, query{q: name})
		listed = slices.DeleteFunc(listed, func(one object) bool { return nameOf(one) != name })
		equal(len(listed), 1)
		// Lists omit some members, and the values of the others are the same.
		within(listed[0], created, "it")
		equal(metadata(listed[0], "createdAt"), metadata(created, "createdAt"))
	})

	order := ": the list in every order"
	if k.paged {
		order = ": pages of two in every order"
	}
	s.check(k.noun+order, func(ctx context.Context) {
		var names []string
		for _, letter := range []string{"e", "a", "d", "b", "c"} {
			names = append(names, s.prefix+"-page-"+letter)
		}
		for _, name := range names {
			good(k.create(ctx, body(name, "any")))
			defer k.remove(ctx, name)
		}
		listing(ctx, k, s.prefix+"-page-", names)
	})

	if k.update != nil {
		s.check(k.noun+": update replaces the document and keeps when it was made", func(ctx context.Context) {
			// The whole document is sent back, including the members that only the server sets.
			body := merged(created, object{
				"metadata": object{"labels": object{"language": "gopher"}}, "spec": k.change,
			})
			delete(body["metadata"].(object), "displayName")
			updated := members(good(k.update(ctx, name, body)))
			within(objectOf(k.change), updated["spec"].(object), "spec")
			equal(metadata(updated, "labels"), any(object{"language": "gopher"}))
			equal(metadata(updated, "createdAt"), metadata(created, "createdAt"))
			before, after := metadata(created, "updatedAt"), metadata(updated, "updatedAt")
			require(after.(string) >= before.(string), "%v is before %v", after, before)
			require(metadata(updated, "displayName") != displayName, "the name was kept")
			equal(members(good(k.get(ctx, name))), updated)
		})
	}

	if k.revisions != nil {
		s.check(k.noun+": every new spec is a revision", func(ctx context.Context) {
			revisions := k.revisions(ctx, name)
			equal(len(revisions), 2)
			newer, older := revisions[0], revisions[1]
			require(newer["id"] != older["id"], "%v", revisions)
			require(newer["createdAt"].(string) > older["createdAt"].(string), "%v", revisions)
		})
	}

	s.check(k.noun+": what has no metadata, no spec or no good name is refused with 400", func(ctx context.Context) {
		createRefused(400, failed(k.create(ctx, object{"spec": k.spec})))
		createRefused(400, failed(k.create(ctx, object{"metadata": object{"name": bare}})))
		createRefused(400, failed(k.create(ctx, body("Not A Name", "go"))))
		if k.update != nil {
			refused(400, failed(k.update(ctx, name, object{"spec": k.spec})))
		}
		refused(404, failed(k.get(ctx, bare)))
	})

	s.check(k.noun+": delete, and nothing is there after it", func(ctx context.Context) {
		removed := members(good(k.remove(ctx, name)))
		if k.noun == "drive" {
			equal(removed["name"], any(name))
		} else {
			equal(nameOf(removed), name)
		}
		refused(404, failed(k.get(ctx, name)))
		refused(404, failed(k.remove(ctx, name)))
		if k.update != nil && !k.madeByUpdate {
			refused(404, failed(k.update(ctx, name, body(name, "go"))))
		}
	})

	s.check(k.noun+": the name is free again after delete", func(ctx context.Context) {
		var again document
		if k.madeByUpdate {
			again = good(k.update(ctx, name, body(name, "go")))
		} else {
			again = good(k.create(ctx, body(name, "go")))
		}
		within(objectOf(k.spec), members(again)["spec"].(object), "spec")
		good(k.remove(ctx, name))
	})
}

// listing lists resources in every way. They have these names and were created in this order.
func listing(ctx context.Context, k kind, prefix string, names []string) {
	upwards := slices.Sorted(slices.Values(names))
	if !k.paged {
		documents, _ := k.list(ctx, query{})
		found := slices.DeleteFunc(each(documents, nameOf), func(name string) bool {
			return !slices.Contains(names, name)
		})
		slices.Sort(found)
		equal(found, upwards)
		return
	}
	for _, order := range []struct {
		sort   string
		wanted []string
	}{
		{"name:asc", upwards},
		{"name:desc", reversed(upwards)},
		{"createdAt:asc", names},
		{"createdAt:desc", reversed(names)},
		{"", reversed(names)},
	} {
		documents, sizes := k.list(ctx, query{q: prefix, sort: order.sort, limit: 2})
		equal(each(documents, nameOf), order.wanted)
		equal(sizes, []int{2, 2, 1})
	}
}

func reversed(names []string) []string {
	copied := slices.Clone(names)
	slices.Reverse(copied)
	return copied
}

// merged returns a document with some members changed, at any depth.
func merged(document, change object) object {
	both := maps.Clone(document)
	for name, value := range change {
		old, isObject := both[name].(object)
		if members, ok := value.(object); ok && isObject {
			both[name] = merged(old, members)
		} else {
			both[name] = value
		}
	}
	return both
}
