package checks

import (
	"context"
	"slices"
	"time"

	blaxel "github.com/blaxel-ai/sdk-go"
)

// schedules checks schedules of a sandbox.
func (s *suite) schedules() {
	name := s.prefix + "-schedules"
	schedules := &s.client.Sandboxes.Schedules
	create := func(ctx context.Context, entry blaxel.SandboxScheduleEntryParam) (*blaxel.SandboxScheduleEntry, error) {
		if !entry.Input.Command.Valid() {
			entry.Input.Command = blaxel.String("true")
		}
		return schedules.New(ctx, name, blaxel.SandboxScheduleNewParams{SandboxScheduleEntry: entry})
	}
	get := func(ctx context.Context, id string) (*blaxel.SandboxScheduleEntry, error) {
		return schedules.Get(ctx, id, blaxel.SandboxScheduleGetParams{SandboxName: name})
	}
	remove := func(ctx context.Context, id string) (*blaxel.SandboxScheduleEntry, error) {
		return schedules.Delete(ctx, id, blaxel.SandboxScheduleDeleteParams{SandboxName: name})
	}
	id := func(entry blaxel.SandboxScheduleEntry) string { return entry.ID }
	cron := blaxel.SandboxScheduleEntryParam{
		ID:    blaxel.String("mornings"),
		Type:  blaxel.SandboxScheduleEntryTypeCron,
		Value: blaxel.String("0 8 * * 1-5"),
		Input: blaxel.SandboxScheduleInputParam{
			Command: blaxel.String("python report.py"), Env: map[string]string{"COLOUR": "green"},
		},
	}

	s.check("schedule: create keeps the entry, and masks what its command is told", func(ctx context.Context) {
		good(s.client.Sandboxes.NewInstance(ctx, sandboxNamed(name)))
		made := good(create(ctx, cron))
		equal(made.ID, "mornings")
		equal(made.MaxExecutions, 100)
		equal(made.Input.Command, "python report.py")
		require(made.Input.Env["COLOUR"] != "green", "%s", made.RawJSON())
		equal(good(get(ctx, "mornings")).RawJSON(), made.RawJSON())
	})

	s.check("schedule: a nap becomes a time, and an id is given", func(ctx context.Context) {
		before := time.Now()
		made := good(create(ctx, blaxel.SandboxScheduleEntryParam{
			Type: blaxel.SandboxScheduleEntryTypeSleep, Value: blaxel.String("2h"),
		}))
		equal(made.Type, blaxel.SandboxScheduleEntryTypeAt)
		hours := good(time.Parse(time.RFC3339, made.Value)).Sub(before).Hours()
		require(hours > 1.9 && hours < 2.1 && made.ID != "", "%f h", hours)
	})

	s.check("schedule: list walks over page borders, and goes by the type", func(ctx context.Context) {
		good(create(ctx, blaxel.SandboxScheduleEntryParam{
			ID:    blaxel.String("later"),
			Type:  blaxel.SandboxScheduleEntryTypeAt,
			Value: blaxel.String(ahead(time.Hour)),
		}))
		pager := schedules.ListAutoPaging(ctx, name, blaxel.SandboxScheduleListParams{Limit: blaxel.Int(2)})
		var found []string
		for pager.Next() {
			found = append(found, pager.Current().ID)
		}
		succeeded(pager.Err())
		slices.Sort(found)
		equal(len(slices.Compact(found)), 3)
		for kind, wanted := range map[blaxel.SandboxScheduleListParamsType]int{
			blaxel.SandboxScheduleListParamsTypeCron: 1,
			blaxel.SandboxScheduleListParamsTypeAt:   2,
		} {
			page := good(schedules.List(ctx, name, blaxel.SandboxScheduleListParams{Type: kind}))
			equal(len(page.Data), wanted)
			equal(slices.Contains(each(page.Data, id), "mornings"), wanted == 1)
		}
	})

	s.check("schedule: update replaces the entry", func(ctx context.Context) {
		changed := cron
		changed.Value = blaxel.String("0 9 * * *")
		changed.MaxExecutions = blaxel.Int(5)
		updated := good(schedules.Update(ctx, "mornings", blaxel.SandboxScheduleUpdateParams{
			SandboxName: name, SandboxScheduleEntry: changed,
		}))
		equal(updated.Value, "0 9 * * *")
		equal(updated.MaxExecutions, 5)
		equal(good(get(ctx, "mornings")).RawJSON(), updated.RawJSON())
	})

	s.check("schedule: what it did is told", func(ctx context.Context) {
		made := good(create(ctx, blaxel.SandboxScheduleEntryParam{
			ID:    blaxel.String("now"),
			Type:  blaxel.SandboxScheduleEntryTypeSleep,
			Value: blaxel.String("1s"),
		}))
		var done []blaxel.SandboxScheduleExecution
		until(ctx, func() bool {
			query := blaxel.SandboxScheduleListExecutionsParams{Limit: blaxel.Int(10)}
			done, _ = walk(schedules.ListExecutions(ctx, name, query))
			return len(done) > 0
		})
		equal(len(done), 1)
		equal(done[0].ScheduleID, made.ID)
		equal(done[0].StatusCode, 200)
		planned := good(time.Parse(time.RFC3339, made.Value))
		ran := good(time.Parse(time.RFC3339, done[0].ExecutedAt))
		require(ran.After(planned.Add(-time.Second)), "%v is before %v", ran, planned)
	})

	s.check("schedule: what is not there or no schedule is refused", func(ctx context.Context) {
		refused(404, failed(get(ctx, "nobody-knows-me")))
		refused(404, failed(remove(ctx, "nobody-knows-me")))
		for _, wrong := range []blaxel.SandboxScheduleEntryParam{
			{Type: blaxel.SandboxScheduleEntryTypeCron, Value: blaxel.String("whenever")},
			{Type: blaxel.SandboxScheduleEntryTypeAt, Value: blaxel.String("soon")},
		} {
			refused(400, failed(create(ctx, wrong)))
		}
	})

	s.check("schedule: delete, and with the sandbox all of them", func(ctx context.Context) {
		equal(good(remove(ctx, "mornings")).ID, "mornings")
		refused(404, failed(get(ctx, "mornings")))
		good(s.client.Sandboxes.Delete(ctx, name))
		refused(404, failed(schedules.List(ctx, name, blaxel.SandboxScheduleListParams{})))
	})
}
