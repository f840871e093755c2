package checks

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	blaxel "github.com/blaxel-ai/sdk-go"
)

// sandboxNamed returns the parameters of a new sandbox.
func sandboxNamed(name string) blaxel.SandboxNewParams {
	return blaxel.SandboxNewParams{Sandbox: blaxel.SandboxParam{
		Metadata: blaxel.MetadataParam{Name: name},
		Spec:     blaxel.SandboxSpecParam{Region: blaxel.String(region)},
	}}
}

// sandboxes checks sandboxes on the control plane, with the SDK's helper.
func (s *suite) sandboxes() {
	name := s.prefix + "-sandbox"
	helper := &s.client.Sandboxes
	create := func(ctx context.Context, name string) *blaxel.SandboxInstance {
		return good(helper.NewInstance(ctx, sandboxNamed(name)))
	}

	s.check("sandbox helper: create fills in what is missing", func(ctx context.Context) {
		params := sandboxNamed(name)
		params.Sandbox.Metadata.Labels = map[string]string{"language": "go"}
		params.Sandbox.Metadata.ExternalID = blaxel.String(s.prefix + "-outside")
		params.Sandbox.Spec.Runtime = blaxel.SandboxRuntimeParam{
			Envs:  []blaxel.EnvParam{{Name: blaxel.String("COLOUR"), Value: blaxel.String("grün")}},
			Ports: []blaxel.PortParam{{Target: 3000, Protocol: blaxel.PortProtocolHTTP}},
		}
		sandbox := good(helper.NewInstance(ctx, params))
		equal(sandbox.Status, blaxel.StatusDeployed)
		equal(sandbox.Spec.Region, region)
		runtime := sandbox.Spec.Runtime
		equal(runtime.Image, "blaxel/base-image:latest")
		equal(runtime.Memory, 4096)
		equal(len(runtime.Envs), 1)
		equal(runtime.Envs[0].Value, "grün")
		equal(runtime.Ports[0].Target, 3000)
		require(sandbox.LastUsedAt != "", "it was never used")
		equal(sandbox.Metadata.URL, blaxel.BuildSandboxURL(s.workspace, name))
	})

	s.check("sandbox helper: it gives a name where there is none", func(ctx context.Context) {
		sandbox := create(ctx, "")
		require(regexp.MustCompile("^sandbox-[0-9a-f]{8}$").MatchString(sandbox.Metadata.Name), "%s", sandbox.Metadata.Name)
		good(helper.GetInstance(ctx, sandbox.Metadata.Name))
		succeeded(sandbox.Delete(ctx))
	})

	s.check("sandbox helper: a second one of the name is SANDBOX_ALREADY_EXISTS", func(ctx context.Context) {
		err := sandboxRefused(409, failed(helper.NewInstance(ctx, sandboxNamed(name))))
		equal(err.ErrorCode, "SANDBOX_ALREADY_EXISTS")
		require(strings.Contains(err.RawJSON(), name), "%v", err)
	})

	s.check("sandbox helper: NewInstanceIfNotExists gives the one that is there", func(ctx context.Context) {
		there := good(helper.GetInstance(ctx, name))
		params := sandboxNamed(name)
		params.Sandbox.Spec.Runtime.Memory = blaxel.Int(8192)
		found := good(helper.NewInstanceIfNotExists(ctx, params))
		equal(found.Metadata.CreatedAt, there.Metadata.CreatedAt)
		equal(found.Spec.Runtime.Memory, 4096)
		// The server does the same if the request asks for it.
		params.CreateIfNotExist = blaxel.Bool(true)
		same := good(helper.New(ctx, params))
		equal(same.Metadata.CreatedAt, there.Metadata.CreatedAt)
	})

	s.check("sandbox helper: one that has ended stays as TERMINATED, and is replaced", func(ctx context.Context) {
		params := sandboxNamed(name + "-short")
		params.Sandbox.Spec.Runtime.Expires = blaxel.String(ahead(time.Second))
		short := good(helper.NewInstance(ctx, params))
		require(short.ExpiresIn <= 1, "%d s", short.ExpiresIn)
		until(ctx, func() bool {
			found := good(helper.GetInstance(ctx, name+"-short"))
			return found.Status == blaxel.StatusTerminated
		})
		// It is only in the response if the request asks for it.
		for _, list := range []struct {
			query  blaxel.SandboxListParams
			wanted int
		}{
			{blaxel.SandboxListParams{}, 0},
			{blaxel.SandboxListParams{ShowTerminated: blaxel.Bool(true)}, 1},
			{blaxel.SandboxListParams{Status: blaxel.String("terminated")}, 1},
			{blaxel.SandboxListParams{Status: blaxel.String("deployed")}, 0},
		} {
			list.query.Q = blaxel.String(name + "-short")
			equal(len(good(helper.ListInstances(ctx, list.query)).Data), list.wanted)
		}
		next := good(helper.NewInstanceIfNotExists(ctx, sandboxNamed(name+"-short")))
		equal(next.Status, blaxel.StatusDeployed)
		require(next.Metadata.CreatedAt > short.Metadata.CreatedAt, "%s", next.Metadata.CreatedAt)
		succeeded(next.Delete(ctx))
	})

	s.check("sandbox helper: concurrent NewInstanceIfNotExists all give the same one", func(ctx context.Context) {
		var group sync.WaitGroup
		found := make([]*blaxel.SandboxInstance, 8)
		problems := make([]error, len(found))
		for i := range found {
			group.Go(func() {
				found[i], problems[i] = helper.NewInstanceIfNotExists(ctx, sandboxNamed(name+"-race"))
			})
		}
		group.Wait()
		for i, sandbox := range found {
			succeeded(problems[i])
			equal(sandbox.Metadata.CreatedAt, found[0].Metadata.CreatedAt)
		}
		succeeded(found[0].Delete(ctx))
	})

	s.check("sandbox helper: one is found by its external id", func(ctx context.Context) {
		query := blaxel.SandboxListParams{ExternalID: blaxel.String(s.prefix + "-outside")}
		found := good(helper.ListInstances(ctx, query)).Data
		equal(len(found), 1)
		equal(found[0].Metadata.Name, name)
	})

	s.check("sandbox helper: metadata, time to live and lifecycle are changed one by one", func(ctx context.Context) {
		named := good(helper.UpdateInstanceMetadata(ctx, name, blaxel.SandboxUpdateMetadataParams{
			Labels: map[string]string{"changed": "yes"}, DisplayName: "Blue",
		}))
		equal(named.Metadata.Labels, map[string]string{"changed": "yes"})
		equal(named.Metadata.DisplayName, "Blue")

		kept := good(helper.UpdateInstanceTTL(ctx, name, "1h"))
		equal(kept.Spec.Runtime.Ttl, "1h")
		require(kept.ExpiresIn > 3500 && kept.ExpiresIn <= 3600, "%d s", kept.ExpiresIn)
		forGood := good(helper.UpdateInstanceTTL(ctx, name, ""))
		equal(forGood.Spec.Runtime.Ttl, "")
		require(!forGood.JSON.ExpiresIn.Valid(), "%d s", forGood.ExpiresIn)

		idle := good(helper.UpdateInstanceLifecycle(ctx, name, &blaxel.SandboxLifecycleParam{
			ExpirationPolicies: []blaxel.ExpirationPolicyParam{{
				Type:   blaxel.ExpirationPolicyTypeTtlIdle,
				Value:  blaxel.String("30m"),
				Action: blaxel.ExpirationPolicyActionDelete,
			}},
		}))
		equal(idle.Spec.Lifecycle.ExpirationPolicies[0].Value, "30m")
		require(idle.JSON.ExpiresIn.Valid() && idle.ExpiresIn <= 1800, "%d s", idle.ExpiresIn)
		without := good(helper.UpdateInstanceLifecycle(ctx, name, nil))
		equal(len(without.Spec.Lifecycle.ExpirationPolicies), 0)

		equal(without.Metadata.DisplayName, "Blue")
		equal(without.Spec.Runtime.Envs[0].Value, "grün")
		equal(without.Status, blaxel.StatusDeployed)
	})

	s.check("sandbox helper: the network is changed with the whole document", func(ctx context.Context) {
		params := decoded[blaxel.SandboxParam](members(good(helper.GetInstance(ctx, name))))
		params.Spec.Network.AllowedDomains = []string{"example.com"}
		fenced := good(helper.UpdateInstance(ctx, name, blaxel.SandboxUpdateParams{Sandbox: params}))
		equal(fenced.Spec.Network.AllowedDomains, []string{"example.com"})
		equal(fenced.Metadata.DisplayName, "Blue")
	})

	s.check("sandbox helper: a time to live that is none is refused with 400", func(ctx context.Context) {
		refused(400, failed(helper.UpdateInstanceTTL(ctx, name, "soon")))
		params := sandboxNamed(name + "-bad")
		params.Sandbox.Spec.Runtime.Ttl = blaxel.String("soon")
		sandboxRefused(400, failed(helper.NewInstance(ctx, params)))
	})

	s.check("sandbox helper: list walks over page borders", func(ctx context.Context) {
		nameOf := func(sandbox *blaxel.SandboxInstance) string { return sandbox.Metadata.Name }
		names := []string{name + "-list-c", name + "-list-a", name + "-list-b"}
		for _, name := range names {
			create(ctx, name)
		}
		query := blaxel.SandboxListParams{
			Q:     blaxel.String(name + "-list-"),
			Limit: blaxel.Int(2),
			Sort:  blaxel.SandboxListParamsSortNameAsc,
		}
		first := good(helper.ListInstances(ctx, query))
		require(first.HasNextPage(), "%s", first.RawJSON())
		second := good(first.NextPage(ctx))
		equal(good(second.NextPage(ctx)), nil)
		found := slices.Concat(first.Data, second.Data)
		equal(each(found, nameOf), slices.Sorted(slices.Values(names)))
		for _, sandbox := range found {
			succeeded(sandbox.Delete(ctx))
		}
		equal(len(good(helper.ListInstances(ctx, query)).Data), 0)
	})

	s.check("sandbox helper: secrets are masked, and a mask that comes back keeps them", func(ctx context.Context) {
		params := sandboxNamed(name + "-secret")
		params.Sandbox.Spec.Runtime.Envs = []blaxel.EnvParam{{
			Name:   blaxel.String("TOKEN"),
			Value:  blaxel.String("s3cret"),
			Secret: blaxel.Bool(true),
		}}
		made := good(helper.NewInstance(ctx, params))
		require(made.Spec.Runtime.Envs[0].Value != "s3cret", "it is shown")
		good(helper.UpdateInstanceMetadata(ctx, name+"-secret", blaxel.SandboxUpdateMetadataParams{
			DisplayName: "Changed",
		}))
		query := blaxel.SandboxGetParams{ShowSecrets: blaxel.Bool(true)}
		shown := good(helper.Get(ctx, name+"-secret", query))
		equal(shown.Spec.Runtime.Envs[0].Value, "s3cret")
		succeeded(made.Delete(ctx))
	})

	s.check("sandbox helper: delete, by the name or the object", func(ctx context.Context) {
		succeeded(good(helper.GetInstance(ctx, name)).Delete(ctx))
		refused(404, failed(helper.GetInstance(ctx, name)))
		refused(404, failed(helper.DeleteInstance(ctx, name)))
		create(ctx, name)
		equal(good(helper.DeleteInstance(ctx, name)).Metadata.Name, name)
	})
}
