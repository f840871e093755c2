package checks

import (
	"context"
	"net/url"
	"slices"
	"time"

	blaxel "github.com/blaxel-ai/sdk-go"
)

// previewNamed returns the parameters of a new preview.
func previewNamed(name string, spec blaxel.PreviewSpecParam) blaxel.SandboxPreviewNewParams {
	return blaxel.SandboxPreviewNewParams{Preview: blaxel.PreviewParam{
		Metadata: blaxel.PreviewMetadataParam{Name: name},
		Spec:     spec,
	}}
}

// previews checks previews of a sandbox and their tokens, with the SDK's helpers.
func (s *suite) previews() {
	const nobody = "nobody-knows-me"
	name := s.prefix + "-previews"
	var sandbox *blaxel.SandboxInstance
	var preview *blaxel.PreviewInstance
	onPort := func(port int64) blaxel.PreviewSpecParam {
		return blaxel.PreviewSpecParam{Port: blaxel.Int(port), Public: blaxel.Bool(false)}
	}

	s.check("preview: create gives an address", func(ctx context.Context) {
		sandbox = good(s.client.Sandboxes.NewInstance(ctx, sandboxNamed(name)))
		preview = good(sandbox.Previews.New(ctx, previewNamed("shop", onPort(3000))))
		equal(preview.Metadata.Name, "shop")
		equal(preview.Metadata.ResourceName, name)
		equal(preview.Spec.Port, 3000)
		require(good(url.Parse(preview.Spec.URL)).Host != "", "%s", preview.Spec.URL)
	})

	s.check("preview: NewIfNotExists gives the one that is there, or makes it", func(ctx context.Context) {
		found := good(sandbox.Previews.NewIfNotExists(ctx, previewNamed("shop", onPort(4000))))
		equal(found.Spec.Port, 3000)
		made := good(sandbox.Previews.NewIfNotExists(ctx, previewNamed("docs", onPort(4000))))
		equal(made.Spec.Port, 4000)
	})

	s.check("preview: get and list give what was created", func(ctx context.Context) {
		equal(good(sandbox.Previews.Get(ctx, "shop")).RawJSON(), preview.RawJSON())
		names := each(*good(sandbox.Previews.List(ctx)), func(one blaxel.Preview) string {
			return one.Metadata.Name
		})
		slices.Sort(names)
		equal(names, []string{"docs", "shop"})
	})

	s.check("preview: update replaces it", func(ctx context.Context) {
		updated := good(sandbox.Previews.Update(ctx, "docs", blaxel.SandboxInstancePreviewUpdateParams{
			Preview: previewNamed("docs", onPort(5000)).Preview,
		}))
		equal(updated.Spec.Port, 5000)
	})

	s.check("preview: an address is given away twice only by force", func(ctx context.Context) {
		wanted := onPort(1)
		wanted.CustomDomain = blaxel.String(name + ".example.com")
		wanted.PrefixURL = blaxel.String("shop")
		good(sandbox.Previews.New(ctx, previewNamed("one", wanted)))
		second := previewNamed("two", wanted)
		refused(409, failed(sandbox.Previews.New(ctx, second)))
		second.Force = blaxel.Bool(true)
		equal(good(sandbox.Previews.New(ctx, second)).Spec.PrefixURL, "shop")
		refused(404, failed(sandbox.Previews.Get(ctx, "one")))
	})

	s.check("preview token: create, list and delete", func(ctx context.Context) {
		expiry := time.Now().Add(time.Hour).Truncate(time.Second)
		token := good(sandbox.Previews.NewToken(ctx, "shop", expiry))
		require(token.Spec.Token != "" && !token.Spec.Expired, "%s", token.RawJSON())
		until := good(time.Parse(time.RFC3339, token.Spec.ExpiresAt))
		require(until.Equal(expiry), "%v is not %v", until, expiry)
		past := good(preview.Tokens.New(ctx, blaxel.PreviewTokenParam{
			Metadata: blaxel.PreviewTokenMetadataParam{Name: "past"},
			Spec:     blaxel.PreviewTokenSpecParam{ExpiresAt: blaxel.String(ahead(-time.Second))},
		}))
		require(past.Spec.Expired, "%s", past.RawJSON())
		value := func(token blaxel.PreviewToken) string { return token.Spec.Token }
		listed := each(*good(preview.Tokens.List(ctx)), value)
		equal(len(listed), 2)
		require(slices.Contains(listed, token.Spec.Token) && slices.Contains(listed, past.Spec.Token), "%v", listed)
		good(preview.Tokens.Delete(ctx, token.Metadata.Name))
		equal(each(*good(sandbox.Previews.ListTokens(ctx, "shop")), value), []string{past.Spec.Token})
		refused(404, failed(sandbox.Previews.DeleteToken(ctx, "shop", token.Metadata.Name)))
	})

	s.check("preview: what is not there or no preview is refused", func(ctx context.Context) {
		refused(404, failed(sandbox.Previews.Get(ctx, nobody)))
		refused(404, failed(sandbox.Previews.Delete(ctx, nobody)))
		refused(400, failed(sandbox.Previews.New(ctx, previewNamed("bad", onPort(70_000)))))
		refused(409, failed(sandbox.Previews.New(ctx, previewNamed("shop", onPort(3000)))))
		refused(404, failed(s.client.Sandboxes.Previews.List(ctx, nobody)))
	})

	s.check("preview: delete, and with the sandbox all of them", func(ctx context.Context) {
		equal(good(sandbox.Previews.Delete(ctx, "docs")).Metadata.Name, "docs")
		refused(404, failed(sandbox.Previews.Get(ctx, "docs")))
		succeeded(sandbox.Delete(ctx))
		refused(404, failed(sandbox.Previews.Get(ctx, "shop")))
	})
}
