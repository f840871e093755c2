package checks

import (
	"context"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// errors checks error responses of all resources, as the SDK reports them.
func (s *suite) errors() {
	const nobody = "nobody-knows-me"
	// Clients that every request of is refused, by the expected status.
	strangers := map[int]blaxel.Client{
		401: s.newClient(option.WithAPIKey("bl_wrong_key")),
		403: s.newClient(option.WithAPIKey(s.apiKey), option.WithWorkspace("elsewhere")),
	}

	s.check("errors: one has the request, the response and the body", func(ctx context.Context) {
		err := refused(404, failed(s.client.Agents.Get(ctx, nobody, blaxel.AgentGetParams{})))
		require(strings.HasSuffix(err.Request.URL.Path, "/agents/"+nobody), "%v", err.Request.URL)
		require(strings.Contains(err.Error(), "404 Not Found"), "%v", err)
		require(strings.Contains(string(err.DumpResponse(true)), err.RawJSON()), "the body is lost")
		require(!err.IsGatewayError() && !err.IsRetryable(), "it is one of the gateway")
	})

	s.check("errors: a conflict is sent again, and nothing else that is refused", func(ctx context.Context) {
		name := s.prefix + "-twice"
		body := blaxel.DriveNewParams{
			Metadata: blaxel.MetadataParam{Name: name},
			Spec:     blaxel.DriveSpecParam{Region: blaxel.String(region)},
		}
		good(s.client.Drives.New(ctx, body))
		requests := s.sent.during("/drives", func() {
			refused(409, failed(s.client.Drives.New(ctx, body, option.WithMaxRetries(1))))
		})
		equal(len(requests), 2)
		for number, request := range requests {
			equal(request.Header.Get("X-Stainless-Retry-Count"), []string{"0", "1"}[number])
		}
		good(s.client.Drives.Delete(ctx, name))
		requests = s.sent.during("/drives/"+name, func() {
			refused(404, failed(s.client.Drives.Get(ctx, name, option.WithMaxRetries(2))))
		})
		equal(len(requests), 1)
	})

	s.check("errors: 401 and 403 at every kind", func(ctx context.Context) {
		for status, client := range strangers {
			refused(status, failed(client.Sandboxes.List(ctx, blaxel.SandboxListParams{})))
			refused(status, failed(client.Volumes.List(ctx, blaxel.VolumeListParams{})))
			refused(status, failed(client.Drives.List(ctx, blaxel.DriveListParams{})))
			refused(status, failed(client.Policies.List(ctx, blaxel.PolicyListParams{})))
			refused(status, failed(client.Vpcs.List(ctx)))
			refused(status, failed(client.Volumes.GetInstance(ctx, nobody)))
			refused(status, failed(client.Sandboxes.GetInstance(ctx, nobody)))
		}
	})

	s.check("errors: where sandboxes are created, refusals have a code", func(ctx context.Context) {
		body := sandboxNamed(s.prefix + "-refused")
		for status, client := range strangers {
			err := sandboxRefused(status, failed(client.Sandboxes.New(ctx, body)))
			equal(err.ErrorCode, map[int]string{401: "UNAUTHORIZED", 403: "FORBIDDEN"}[status])
			same := sandboxRefused(status, failed(client.Sandboxes.NewInstance(ctx, body)))
			equal(same.ErrorCode, err.ErrorCode)
		}
		sandboxRefused(400, failed(s.client.Sandboxes.NewInstance(ctx, sandboxNamed("Not A Name"))))
	})

	s.check("errors: helpers return the same error for a 404", func(ctx context.Context) {
		refused(404, failed(s.client.Sandboxes.GetInstance(ctx, nobody)))
		refused(404, failed(s.client.Sandboxes.DeleteInstance(ctx, nobody)))
		refused(404, failed(s.client.Sandboxes.UpdateInstanceTTL(ctx, nobody, "1h")))
		refused(404, failed(s.client.Sandboxes.GetCodeInterpreter(ctx, nobody)))
		refused(404, failed(s.client.Volumes.GetInstance(ctx, nobody)))
		refused(404, s.client.Volumes.DeleteInstance(ctx, nobody))
		refused(404, failed(s.client.Jobs.Executions.New(ctx, nobody, blaxel.JobExecutionNewParams{})))
	})

	s.check("errors: helpers require a region", func(ctx context.Context) {
		err := failed(s.client.Sandboxes.NewInstance(ctx, blaxel.SandboxNewParams{}))
		require(strings.Contains(err.Error(), "'Region' is required"), "%v", err)
	})
}
