-- A ledger as version 2 of its schema has left it: rows that were written by real runs, their content made short.
INSERT INTO jobs (id, grp, digest, parameters, account, source, segment, segments, state, attempt, task_id, key, url,
    file, target, code, message, request, created, updated) VALUES
('d1', 'd1', 'done', 'p', 'k@api.example.com', x'2f762f612e6d7034', 1, 1, 'fetched', 1, 'task-1', 'pre/done.mp4',
    'https://h/r.mp4', CAST('/out/a.cleaned.mp4' AS BLOB), CAST('/out/a.cleaned.mp4' AS BLOB), NULL, NULL,
    '{"output": "/out"}', '2026-03-01T10:00:00.000001+00:00', '2026-03-01T10:05:00+00:00'),
('d2', 'd2', 'old', 'p', 'k@api.example.com', x'2f762f622e6d7034', 1, 1, 'fetched', 1, 'task-2', 'pre/old.mp4',
    'https://h/r.mp4', CAST('/out/b.cleaned.mp4' AS BLOB), NULL, NULL, NULL, '{}',
    '2026-03-01T10:00:01+00:00', '2026-03-01T10:05:00+00:00'),
('w1', 'w1', 'work', 'p', 'k@api.example.com', x'2f762f632e6d7034', 1, 1, 'fetched', 1, 'task-3', 'pre/work.mp4',
    'https://h/r.mp4', CAST('HOME/work/w1/w1.mp4' AS BLOB), NULL, NULL, NULL, '{"output": "/out"}',
    '2026-03-01T10:00:02+00:00', '2026-03-01T10:05:00+00:00'),
('s1', 's1', 'slash', 'p', 'k@https://me:word@api.example.com/', x'2f762f642e6d7034', 1, 1, 'running', 1, 'task-4',
    'pre/slash.mp4', NULL, NULL, NULL, NULL, NULL, '{"output": "/out"}',
    '2026-03-01T10:00:03+00:00', '2026-03-01T10:05:00+00:00'),
('u1', 'u1', 'lost', 'p', 'k@api.example.com', x'2f762f652e6d7034', 1, 1, 'unknown', 1, NULL, 'pre/lost.mp4', NULL,
    NULL, NULL, NULL, NULL, '{"output": "/out"}', '2026-03-01T10:00:04+00:00', '2026-03-01T10:05:00+00:00'),
('f1', 'f1', 'refused', 'p', 'local', x'2f762f662e6d7034', 1, 1, 'failed', 2, 'task-6', 'pre/refused.mp4', NULL, NULL,
    NULL, '703', 'refused', '{"output": "/out"}', '2026-03-01T10:00:05+00:00', '2026-03-01T10:05:00+00:00');
INSERT INTO transitions (job, at, origin, state, cause, attempt, task_id, code) VALUES
('s1', '2026-03-01T10:00:03+00:00', NULL, 'queued', 'claimed', 1, NULL, NULL),
('s1', '2026-03-01T10:00:04+00:00', 'queued', 'uploading', 'sending the file', 1, NULL, NULL),
('s1', '2026-03-01T10:00:05+00:00', 'submitting', 'submitted', 'accepted', 1, 'task-4', NULL);
INSERT INTO leases (job, machine, pid, started, holding, beat) VALUES ('s1', 'boot/pid:[1]', 7, '1', 'token', 1.0);
INSERT INTO uploads (endpoint, bucket, key, upload_id, part_size, size, sha256, token)
    VALUES ('e', 'b', 'k', 'u', 8, 20, 's', 't');
PRAGMA user_version = 2;
