package checks

import (
	"context"
	"slices"

	blaxel "github.com/blaxel-ai/sdk-go"
)

// jobs checks executions of a job.
func (s *suite) jobs() {
	const nobody = "nobody-knows-me"
	name := s.prefix + "-runs"
	executions := &s.client.Jobs.Executions
	tasks := func(number int) []any { return slices.Repeat([]any{object{}}, number) }
	// run starts an execution and returns its id.
	run := func(ctx context.Context, request blaxel.CreateJobExecutionRequestParam) string {
		body := blaxel.JobExecutionNewParams{CreateJobExecutionRequest: request}
		return good(executions.New(ctx, name, body)).ExecutionID
	}
	get := func(ctx context.Context, id string) (*blaxel.JobExecution, error) {
		return executions.Get(ctx, id, blaxel.JobExecutionGetParams{JobID: name})
	}
	// ended returns an execution when it has this status.
	ended := func(ctx context.Context, id string, status blaxel.JobExecutionStatus) (found *blaxel.JobExecution) {
		until(ctx, func() bool {
			found = good(get(ctx, id))
			return found.Status == status
		})
		return found
	}
	cancel := func(ctx context.Context, id string) (*blaxel.JobExecution, error) {
		return executions.Delete(ctx, id, blaxel.JobExecutionDeleteParams{JobID: name})
	}
	var first string

	s.check("job: run starts an execution, whose tasks are counted", func(ctx context.Context) {
		good(s.client.Jobs.New(ctx, blaxel.JobNewParams{Job: blaxel.JobParam{
			Metadata: blaxel.MetadataParam{Name: name},
			Spec: blaxel.JobSpecParam{Runtime: blaxel.JobRuntimeParam{
				Image:      blaxel.String("registry/job:1"),
				Memory:     blaxel.Int(2048),
				MaxRetries: blaxel.Int(1),
				Timeout:    blaxel.Int(60),
			}},
		}}))
		first = run(ctx, blaxel.CreateJobExecutionRequestParam{
			Tasks:  []any{object{"number": 1}, object{"number": 2}, object{"number": 3}},
			Env:    map[string]string{"COLOUR": "grün"},
			Memory: blaxel.Int(1024),
		})
		execution := good(get(ctx, first))
		equal(execution.Metadata.ID, first)
		equal(execution.Metadata.Job, name)
		equal(execution.Spec.MemoryOverride, 1024)
		equal(execution.Stats.Total, 3)
		started := []blaxel.JobExecutionStatus{
			blaxel.JobExecutionStatusQueued,
			blaxel.JobExecutionStatusPending,
			blaxel.JobExecutionStatusRunning,
		}
		require(slices.Contains(started, execution.Status), "%s", execution.Status)
	})

	s.check("job: an execution ends when it has succeeded", func(ctx context.Context) {
		execution := ended(ctx, first, blaxel.JobExecutionStatusSucceeded)
		equal(execution.Stats.Success, 3)
		started, completed := execution.Metadata.StartedAt, execution.Metadata.CompletedAt
		require(completed >= started, "%s is before %s", completed, started)
	})

	s.check("job: an execution ends when it has failed", func(ctx context.Context) {
		id := run(ctx, blaxel.CreateJobExecutionRequestParam{
			Tasks: tasks(1), Env: map[string]string{"EMULATOR_OUTCOME": "failed"},
		})
		equal(ended(ctx, id, blaxel.JobExecutionStatusFailed).Stats.Failure, 1)
	})

	s.check("job: an execution is cancelled, and its end waited for", func(ctx context.Context) {
		id := run(ctx, blaxel.CreateJobExecutionRequestParam{Tasks: tasks(1)})
		good(cancel(ctx, id))
		ended(ctx, id, blaxel.JobExecutionStatusCancelled)
	})

	s.check("job: the id of an execution may be given, and starts it once only", func(ctx context.Context) {
		chosen := s.prefix + "-chosen"
		for range 2 {
			equal(run(ctx, blaxel.CreateJobExecutionRequestParam{
				Tasks: tasks(1), ExecutionID: blaxel.String(chosen),
			}), chosen)
		}
	})

	s.check("job: executions are listed by pages, the newest first", func(ctx context.Context) {
		query := blaxel.JobExecutionListParams{Limit: blaxel.Int(3)}
		found, sizes := walk(executions.List(ctx, name, query))
		equal(sizes, []int{3, 1})
		equal(found[0].Metadata.ID, s.prefix+"-chosen")
		equal(found[3].Metadata.ID, first)
		pager := executions.ListAutoPaging(ctx, name, query)
		for pager.Next() {
			equal(pager.Current().Metadata.ID, found[pager.Index()-1].Metadata.ID)
		}
		succeeded(pager.Err())
		equal(pager.Index(), len(found))
	})

	s.check("job: the tasks of an execution are listed by pages", func(ctx context.Context) {
		query := blaxel.JobExecutionListTasksParams{JobID: name, Limit: blaxel.Int(2)}
		found, sizes := walk(executions.ListTasks(ctx, first, query))
		equal(sizes, []int{2, 1})
		for _, task := range found {
			equal(string(task.Status), "succeeded")
		}
	})

	s.check("job: what cannot run is refused", func(ctx context.Context) {
		start := func(job string, memory int64) error {
			return failed(executions.New(ctx, job, blaxel.JobExecutionNewParams{
				CreateJobExecutionRequest: blaxel.CreateJobExecutionRequestParam{
					Tasks: tasks(1), Memory: blaxel.Int(memory),
				},
			}))
		}
		refused(400, start(name, 4096))
		refused(404, start(nobody, 1024))
		refused(404, failed(get(ctx, nobody)))
		refused(404, failed(cancel(ctx, nobody)))
		refused(404, failed(executions.List(ctx, nobody, blaxel.JobExecutionListParams{})))
	})

	s.check("job: its executions go with it", func(ctx context.Context) {
		good(s.client.Jobs.Delete(ctx, name))
		refused(404, failed(get(ctx, first)))
		refused(404, failed(executions.List(ctx, name, blaxel.JobExecutionListParams{})))
	})
}
