-- The facts of the work (architecture 5): cycles and stays in stages, assignments, tasks, remedies
-- and contacts, behind bi; and the dimensions they join to.

CREATE TABLE views.complaint_cycles (
    partition          smallint    NOT NULL,
    complaint_id       uuid        NOT NULL,
    cycle              integer     NOT NULL,
    ledger_position    bigint      NOT NULL,
    source_system      text        NOT NULL,
    recorded_at        timestamptz NOT NULL,
    is_late_recorded   boolean     NOT NULL,
    started_at         timestamptz NOT NULL,
    started_by         text        NOT NULL,
    holder_unit        text        NOT NULL,
    holder_person      text,
    resolved_at        timestamptz,
    resolved_by        text,
    resolution_outcome text,
    confirmed_at       timestamptz,
    confirmed_by       text,
    confirmed_how      text,
    disputed_at        timestamptz,
    final_position_at  timestamptz,
    closed_at          timestamptz,
    close_reason       text,
    reopened_at        timestamptz,
    imprecise          jsonb,
    PRIMARY KEY (partition, complaint_id, cycle)
) WITH (fillfactor = 80); -- room on the page for the row's next version
COMMENT ON TABLE views.complaint_cycles IS
    'Grain: one row per complaint and cycle. Folded by projections/cycles.py.';

CREATE TABLE views.complaint_stages (
    partition        smallint    NOT NULL,
    complaint_id     uuid        NOT NULL,
    stay             integer     NOT NULL,
    ledger_position  bigint      NOT NULL,
    stage            text        NOT NULL,
    cycle            integer     NOT NULL,
    recorded_at      timestamptz NOT NULL,
    is_late_recorded boolean     NOT NULL,
    entered_at       timestamptz NOT NULL,
    entered_by       text        NOT NULL,
    holder_unit      text        NOT NULL,
    holder_person    text,
    left_at          timestamptz,
    left_by          text,
    imprecise        jsonb,
    PRIMARY KEY (partition, complaint_id, stay)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.complaint_stages IS
    'Grain: one row per complaint and stay in a stage. Folded by projections/cycles.py.';

CREATE TABLE views.work_complaints (
    partition       smallint NOT NULL,
    complaint_id    uuid     NOT NULL,
    ledger_position bigint   NOT NULL,
    source_system   text     NOT NULL,
    cycle           integer  NOT NULL,
    PRIMARY KEY (partition, complaint_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.work_complaints IS
    'Grain: one row per complaint: what the rows of its work share. Folded by projections/work.py.';

CREATE TABLE views.assignments (
    partition        smallint    NOT NULL,
    complaint_id     uuid        NOT NULL,
    number           integer     NOT NULL,
    ledger_position  bigint      NOT NULL,
    cycle            integer     NOT NULL,
    recorded_at      timestamptz NOT NULL,
    is_late_recorded boolean     NOT NULL,
    given_by         text        NOT NULL,
    assigned_by      text        NOT NULL,
    assigned_at      timestamptz NOT NULL,
    unit_id          text        NOT NULL,
    person_id        text,
    signed_for_by    text,
    signed_for_at    timestamptz,
    ended_at         timestamptz,
    ended_by         text,
    reason_code      text,
    imprecise        jsonb,
    PRIMARY KEY (partition, complaint_id, number)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.assignments IS
    'Grain: one row per complaint and assignment. Folded by projections/work.py.';

CREATE TABLE views.tasks (
    partition        smallint    NOT NULL,
    complaint_id     uuid        NOT NULL,
    task_id          uuid        NOT NULL,
    ledger_position  bigint      NOT NULL,
    cycle            integer     NOT NULL,
    recorded_at      timestamptz NOT NULL,
    is_late_recorded boolean     NOT NULL,
    kind             text        NOT NULL,
    delegated_by     text        NOT NULL,
    delegated_at     timestamptz NOT NULL,
    unit_id          text        NOT NULL,
    person_id        text,
    due_at           timestamptz,
    completed_by     text,
    completed_at     timestamptz,
    outcome          text,
    ended_at         timestamptz,
    end_reason       text,
    suspended_at     timestamptz,
    imprecise        jsonb,
    PRIMARY KEY (partition, complaint_id, task_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.tasks IS
    'Grain: one row per delegated task. Folded by projections/work.py.';

CREATE TABLE views.remedies (
    partition            smallint    NOT NULL,
    complaint_id         uuid        NOT NULL,
    remedy_id            uuid        NOT NULL,
    ledger_position      bigint      NOT NULL,
    cycle                integer     NOT NULL,
    recorded_at          timestamptz NOT NULL,
    is_late_recorded     boolean     NOT NULL,
    kind                 text        NOT NULL,
    basis                text        NOT NULL,
    status               text        NOT NULL,
    needs_approval       boolean     NOT NULL,
    proposed_by          text        NOT NULL,
    proposed_at          timestamptz NOT NULL,
    fulfilment_count     integer     NOT NULL,
    fulfilled_minor      bigint      NOT NULL,
    amount_minor         bigint,
    currency             text,
    supersedes           uuid,
    approved_by          text,
    approved_at          timestamptz,
    rejected_by          text,
    rejected_at          timestamptz,
    reason_code          text,
    accepted_at          timestamptz,
    declined_at          timestamptz,
    superseded_at        timestamptz,
    superseded_by        uuid,
    change_cost_minor    bigint,
    change_cost_currency text,
    fulfilled_at         timestamptz,
    imprecise            jsonb,
    PRIMARY KEY (partition, complaint_id, remedy_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.remedies IS
    'Grain: one row per remedy proposed. Folded by projections/work.py.';

CREATE TABLE views.contacts (
    partition        smallint    NOT NULL,
    complaint_id     uuid        NOT NULL,
    version          integer     NOT NULL,
    ledger_position  bigint      NOT NULL,
    cycle            integer     NOT NULL,
    recorded_at      timestamptz NOT NULL,
    is_late_recorded boolean     NOT NULL,
    kind             text        NOT NULL,
    direction        text        NOT NULL,
    channel          text        NOT NULL,
    party            text        NOT NULL,
    purpose          text        NOT NULL,
    outcome          text        NOT NULL,
    contacted_at     timestamptz NOT NULL,
    contacted_by     text        NOT NULL,
    actor_kind       text        NOT NULL,
    contact_id       uuid,
    unit_id          text,
    imprecise        jsonb,
    PRIMARY KEY (partition, complaint_id, version)
);
COMMENT ON TABLE views.contacts IS
    'Grain: one row per contact or chaser of a complaint. Folded by projections/work.py.';

-- --- names of codes ------------------------------------------------------------------------
-- Regions by ISO 3166-2; of China, the order is the first two digits of the administrative code
-- (GB/T 2260), by which a region told as such a code finds its province.
INSERT INTO bi.dim_codes (dimension, code, sort_order, name_en, name_zh) VALUES
    ('channel', 'mail', 16, 'Mail', '邮寄'),
    ('channel', 'store', 17, 'Store', '门店'),
    ('channel', 'counter', 18, 'Counter', '柜台'),
    ('channel', 'forum', 19, 'Forum', '论坛'),
    ('channel', 'bot', 20, 'Bot', '智能客服'),
    ('channel', 'link', 21, 'Link', '链接'),
    ('cycle_start', 'receipt', 1, 'Receipt', '接收'),
    ('cycle_start', 'dispute', 2, 'Dispute', '客户异议'),
    ('cycle_start', 'reopening', 3, 'Reopening', '重开'),
    ('cycle_start', 'unknown', 9, 'Unknown', '未知'),
    ('cycle_outcome', 'in_work', 1, 'In work', '处理中'),
    ('cycle_outcome', 'resolved', 2, 'Resolved', '已办结'),
    ('cycle_outcome', 'final_position', 3, 'Final position', '最终答复'),
    ('cycle_outcome', 'closed', 4, 'Closed', '已结案'),
    ('cycle_outcome', 'disputed', 5, 'Disputed', '客户有异议'),
    ('cycle_outcome', 'reopened', 6, 'Closed and reopened', '结案后重开'),
    ('cycle_outcome', 'unknown', 9, 'Unknown', '未知'),
    ('party', 'none', 0, 'Nobody', '无'),
    ('party', 'customer', 1, 'Customer', '客户'),
    ('party', 'complainant', 2, 'Complainant', '投诉人'),
    ('party', 'representative', 3, 'Representative', '代理人'),
    ('party', 'reporter', 4, 'Reporter', '转告人'),
    ('party', 'unknown', 9, 'Unknown', '未知'),
    ('how', 'none', 0, 'Not confirmed', '未确认'),
    ('how', 'callback', 1, 'Call back', '回访电话'),
    ('how', 'link', 2, 'Link', '链接'),
    ('how', 'in_writing', 3, 'In writing', '书面'),
    ('how', 'on_site', 4, 'On site', '现场'),
    ('how', 'unknown', 9, 'Unknown', '未知'),
    ('given_by', 'assignment', 1, 'Assignment', '派单'),
    ('given_by', 'sign_for', 2, 'Taken by signing for it', '主动签收'),
    ('given_by', 'reopening', 3, 'Reopening', '重开'),
    ('given_by', 'unknown', 9, 'Unknown', '未知'),
    ('assignment_status', 'waiting', 1, 'Waiting to be signed for', '待签收'),
    ('assignment_status', 'signed_for', 2, 'Signed for', '已签收'),
    ('assignment_status', 'returned', 3, 'Returned', '已退单'),
    ('assignment_status', 'handed_on', 4, 'Handed on', '已转派'),
    ('assignment_status', 'closed', 5, 'Complaint closed', '已结案'),
    ('assignment_status', 'unknown', 9, 'Unknown', '未知'),
    ('task_status', 'open', 1, 'Open', '进行中'),
    ('task_status', 'suspended', 2, 'Suspended by a merge', '因合并暂停'),
    ('task_status', 'completed', 3, 'Completed', '已完成'),
    ('task_status', 'ended', 4, 'Ended undone', '未完成终止'),
    ('task_status', 'unknown', 9, 'Unknown', '未知'),
    ('basis', 'statutory', 1, 'Owed by law', '法定'),
    ('basis', 'contractual', 2, 'Owed by contract', '约定'),
    ('basis', 'goodwill', 3, 'Goodwill', '善意'),
    ('basis', 'unknown', 9, 'Unknown', '未知'),
    ('remedy_status', 'proposed', 1, 'Proposed', '已提出'),
    ('remedy_status', 'approved', 2, 'Approved', '已审批'),
    ('remedy_status', 'rejected', 3, 'Rejected', '审批未通过'),
    ('remedy_status', 'accepted', 4, 'Accepted', '客户已接受'),
    ('remedy_status', 'declined', 5, 'Declined', '客户未接受'),
    ('remedy_status', 'superseded', 6, 'Superseded', '已被替换'),
    ('remedy_status', 'fulfilled', 7, 'Fulfilled', '已执行'),
    ('remedy_status', 'unknown', 9, 'Unknown', '未知'),
    ('contact_kind', 'contact', 1, 'Contact', '沟通'),
    ('contact_kind', 'chaser', 2, 'Chaser', '催单'),
    ('contact_kind', 'unknown', 9, 'Unknown', '未知'),
    ('direction', 'inbound', 1, 'Inbound', '呼入'),
    ('direction', 'outbound', 2, 'Outbound', '外呼'),
    ('direction', 'unknown', 9, 'Unknown', '未知'),
    ('purpose', 'answer', 1, 'Answer', '答复'),
    ('purpose', 'guidance', 2, 'Guidance', '指导'),
    ('purpose', 'follow_up', 3, 'Follow-up', '回访'),
    ('purpose', 'notice', 4, 'Notice', '通知'),
    ('purpose', 'chaser', 5, 'Chaser', '催单'),
    ('purpose', 'other', 6, 'Other', '其他'),
    ('purpose', 'unknown', 9, 'Unknown', '未知'),
    ('contact_outcome', 'reached', 1, 'Reached', '已联系到'),
    ('contact_outcome', 'no_answer', 2, 'No answer', '无人接听'),
    ('contact_outcome', 'refused', 3, 'Refused', '拒绝'),
    ('contact_outcome', 'unknown', 9, 'Unknown', '未知'),
    ('actor_kind', 'person', 1, 'Person', '人工'),
    ('actor_kind', 'bot', 2, 'Bot', '机器人'),
    ('actor_kind', 'customer', 3, 'Customer', '客户'),
    ('actor_kind', 'system', 4, 'System', '系统'),
    ('actor_kind', 'import', 5, 'Import', '导入'),
    ('actor_kind', 'unknown', 9, 'Unknown', '未知'),
    ('area', 'north', 1, 'North China', '华北'),
    ('area', 'northeast', 2, 'Northeast China', '东北'),
    ('area', 'east', 3, 'East China', '华东'),
    ('area', 'central', 4, 'Central China', '华中'),
    ('area', 'south', 5, 'South China', '华南'),
    ('area', 'southwest', 6, 'Southwest China', '西南'),
    ('area', 'northwest', 7, 'Northwest China', '西北'),
    ('area', 'hk_mo_tw', 8, 'Hong Kong, Macao, Taiwan', '港澳台'),
    ('area', 'elsewhere', 9, 'Elsewhere', '其他地区'),
    ('area', 'unknown', 99, 'Unknown', '未知'),
    ('region', 'CN-BJ', 11, 'Beijing', '北京'),
    ('region', 'CN-TJ', 12, 'Tianjin', '天津'),
    ('region', 'CN-HE', 13, 'Hebei', '河北'),
    ('region', 'CN-SX', 14, 'Shanxi', '山西'),
    ('region', 'CN-NM', 15, 'Inner Mongolia', '内蒙古'),
    ('region', 'CN-LN', 21, 'Liaoning', '辽宁'),
    ('region', 'CN-JL', 22, 'Jilin', '吉林'),
    ('region', 'CN-HL', 23, 'Heilongjiang', '黑龙江'),
    ('region', 'CN-SH', 31, 'Shanghai', '上海'),
    ('region', 'CN-JS', 32, 'Jiangsu', '江苏'),
    ('region', 'CN-ZJ', 33, 'Zhejiang', '浙江'),
    ('region', 'CN-AH', 34, 'Anhui', '安徽'),
    ('region', 'CN-FJ', 35, 'Fujian', '福建'),
    ('region', 'CN-JX', 36, 'Jiangxi', '江西'),
    ('region', 'CN-SD', 37, 'Shandong', '山东'),
    ('region', 'CN-HA', 41, 'Henan', '河南'),
    ('region', 'CN-HB', 42, 'Hubei', '湖北'),
    ('region', 'CN-HN', 43, 'Hunan', '湖南'),
    ('region', 'CN-GD', 44, 'Guangdong', '广东'),
    ('region', 'CN-GX', 45, 'Guangxi', '广西'),
    ('region', 'CN-HI', 46, 'Hainan', '海南'),
    ('region', 'CN-CQ', 50, 'Chongqing', '重庆'),
    ('region', 'CN-SC', 51, 'Sichuan', '四川'),
    ('region', 'CN-GZ', 52, 'Guizhou', '贵州'),
    ('region', 'CN-YN', 53, 'Yunnan', '云南'),
    ('region', 'CN-XZ', 54, 'Tibet', '西藏'),
    ('region', 'CN-SN', 61, 'Shaanxi', '陕西'),
    ('region', 'CN-GS', 62, 'Gansu', '甘肃'),
    ('region', 'CN-QH', 63, 'Qinghai', '青海'),
    ('region', 'CN-NX', 64, 'Ningxia', '宁夏'),
    ('region', 'CN-XJ', 65, 'Xinjiang', '新疆'),
    ('region', 'CN-TW', 71, 'Taiwan', '台湾'),
    ('region', 'CN-HK', 81, 'Hong Kong', '香港'),
    ('region', 'CN-MO', 82, 'Macao', '澳门'),
    ('region', 'US-AL', 101, 'Alabama', '亚拉巴马'),
    ('region', 'US-AK', 102, 'Alaska', '阿拉斯加'),
    ('region', 'US-AZ', 103, 'Arizona', '亚利桑那'),
    ('region', 'US-AR', 104, 'Arkansas', '阿肯色'),
    ('region', 'US-CA', 105, 'California', '加利福尼亚'),
    ('region', 'US-CO', 106, 'Colorado', '科罗拉多'),
    ('region', 'US-CT', 107, 'Connecticut', '康涅狄格'),
    ('region', 'US-DE', 108, 'Delaware', '特拉华'),
    ('region', 'US-DC', 109, 'District of Columbia', '哥伦比亚特区'),
    ('region', 'US-FL', 110, 'Florida', '佛罗里达'),
    ('region', 'US-GA', 111, 'Georgia', '佐治亚'),
    ('region', 'US-HI', 112, 'Hawaii', '夏威夷'),
    ('region', 'US-ID', 113, 'Idaho', '爱达荷'),
    ('region', 'US-IL', 114, 'Illinois', '伊利诺伊'),
    ('region', 'US-IN', 115, 'Indiana', '印第安纳'),
    ('region', 'US-IA', 116, 'Iowa', '艾奥瓦'),
    ('region', 'US-KS', 117, 'Kansas', '堪萨斯'),
    ('region', 'US-KY', 118, 'Kentucky', '肯塔基'),
    ('region', 'US-LA', 119, 'Louisiana', '路易斯安那'),
    ('region', 'US-ME', 120, 'Maine', '缅因'),
    ('region', 'US-MD', 121, 'Maryland', '马里兰'),
    ('region', 'US-MA', 122, 'Massachusetts', '马萨诸塞'),
    ('region', 'US-MI', 123, 'Michigan', '密歇根'),
    ('region', 'US-MN', 124, 'Minnesota', '明尼苏达'),
    ('region', 'US-MS', 125, 'Mississippi', '密西西比'),
    ('region', 'US-MO', 126, 'Missouri', '密苏里'),
    ('region', 'US-MT', 127, 'Montana', '蒙大拿'),
    ('region', 'US-NE', 128, 'Nebraska', '内布拉斯加'),
    ('region', 'US-NV', 129, 'Nevada', '内华达'),
    ('region', 'US-NH', 130, 'New Hampshire', '新罕布什尔'),
    ('region', 'US-NJ', 131, 'New Jersey', '新泽西'),
    ('region', 'US-NM', 132, 'New Mexico', '新墨西哥'),
    ('region', 'US-NY', 133, 'New York', '纽约'),
    ('region', 'US-NC', 134, 'North Carolina', '北卡罗来纳'),
    ('region', 'US-ND', 135, 'North Dakota', '北达科他'),
    ('region', 'US-OH', 136, 'Ohio', '俄亥俄'),
    ('region', 'US-OK', 137, 'Oklahoma', '俄克拉何马'),
    ('region', 'US-OR', 138, 'Oregon', '俄勒冈'),
    ('region', 'US-PA', 139, 'Pennsylvania', '宾夕法尼亚'),
    ('region', 'US-PR', 140, 'Puerto Rico', '波多黎各'),
    ('region', 'US-RI', 141, 'Rhode Island', '罗得岛'),
    ('region', 'US-SC', 142, 'South Carolina', '南卡罗来纳'),
    ('region', 'US-SD', 143, 'South Dakota', '南达科他'),
    ('region', 'US-TN', 144, 'Tennessee', '田纳西'),
    ('region', 'US-TX', 145, 'Texas', '得克萨斯'),
    ('region', 'US-UT', 146, 'Utah', '犹他'),
    ('region', 'US-VT', 147, 'Vermont', '佛蒙特'),
    ('region', 'US-VA', 148, 'Virginia', '弗吉尼亚'),
    ('region', 'US-WA', 149, 'Washington', '华盛顿'),
    ('region', 'US-WV', 150, 'West Virginia', '西弗吉尼亚'),
    ('region', 'US-WI', 151, 'Wisconsin', '威斯康星'),
    ('region', 'US-WY', 152, 'Wyoming', '怀俄明'),
    ('region', 'unknown', 999, 'Unknown', '未知');

-- --- facts ---------------------------------------------------------------------------------

-- 0 where the end was told as before the begin; what has not happened has no length.
CREATE FUNCTION bi.elapsed_minutes(started_at timestamptz, stopped_at timestamptz)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN stopped_at < started_at THEN 0
                ELSE bi.minutes_between(started_at, stopped_at) END
$$;
GRANT EXECUTE ON FUNCTION bi.elapsed_minutes TO closedloop_bi;

CREATE VIEW bi.complaint_cycles AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present)
SELECT c.complaint_id::text || ':' || c.cycle AS cycle_id,
       c.complaint_id::text AS complaint_id,
       c.cycle,
       c.started_by,
       coalesce(started.name_en, c.started_by) AS started_by_name_en,
       coalesce(started.name_zh, c.started_by) AS started_by_name_zh,
       o.outcome,
       coalesce(outcome.name_en, o.outcome) AS outcome_name_en,
       coalesce(outcome.name_zh, o.outcome) AS outcome_name_zh,
       c.disputed_at IS NULL AND c.reopened_at IS NULL AS is_present_cycle,
       o.outcome IN ('in_work', 'resolved', 'final_position') AS is_open,
       c.resolved_at IS NOT NULL AS is_resolved,
       c.confirmed_at IS NOT NULL AS is_confirmed,
       c.disputed_at IS NOT NULL AS is_disputed,
       c.closed_at IS NOT NULL AS is_closed,
       c.reopened_at IS NOT NULL AS is_reopened,
       c.close_reason IS NOT DISTINCT FROM 'verified' AS is_verified,
       coalesce(c.close_reason, 'none') AS close_reason,
       coalesce(close_reason.name_en, coalesce(c.close_reason, 'none')) AS close_reason_name_en,
       coalesce(close_reason.name_zh, coalesce(c.close_reason, 'none')) AS close_reason_name_zh,
       coalesce(c.resolution_outcome, 'unknown') AS resolution_outcome,
       coalesce(c.resolved_by, 'unknown') AS resolved_by,
       coalesce(c.confirmed_by, 'none') AS confirmed_by,
       coalesce(party.name_en, coalesce(c.confirmed_by, 'none')) AS confirmed_by_name_en,
       coalesce(party.name_zh, coalesce(c.confirmed_by, 'none')) AS confirmed_by_name_zh,
       coalesce(c.confirmed_how, 'none') AS confirmed_how,
       coalesce(how.name_en, coalesce(c.confirmed_how, 'none')) AS confirmed_how_name_en,
       coalesce(how.name_zh, coalesce(c.confirmed_how, 'none')) AS confirmed_how_name_zh,
       c.holder_unit,
       coalesce(c.holder_person, 'unknown') AS holder_person,
       CASE WHEN c.imprecise -> 'started' IS NULL AND c.imprecise -> 'resolved' IS NULL
            THEN bi.elapsed_minutes(c.started_at, c.resolved_at) END AS time_to_resolution_minutes,
       CASE WHEN c.imprecise -> 'resolved' IS NULL AND c.imprecise -> 'confirmed' IS NULL
            THEN bi.elapsed_minutes(c.resolved_at, c.confirmed_at) END AS time_to_confirmation_minutes,
       CASE WHEN c.imprecise -> 'started' IS NULL AND c.imprecise -> 'closed' IS NULL
            THEN bi.elapsed_minutes(c.started_at, c.closed_at) END AS time_to_close_minutes,
       CASE WHEN o.outcome IN ('in_work', 'resolved', 'final_position')
                 AND c.imprecise -> 'started' IS NULL
            THEN bi.elapsed_minutes(c.started_at, r.present) END AS age_minutes,
       c.started_at,
       coalesce((c.imprecise -> 'started' ->> 'on')::date, (c.started_at AT TIME ZONE r.zone)::date)
           AS started_date,
       bi.hour_told(c.imprecise, 'started', c.started_at, r.zone) AS started_hour,
       bi.at_told(c.imprecise, 'resolved', c.resolved_at) AS resolved_at,
       bi.date_told(c.imprecise, 'resolved', c.resolved_at, r.zone) AS resolved_date,
       bi.hour_told(c.imprecise, 'resolved', c.resolved_at, r.zone) AS resolved_hour,
       bi.at_told(c.imprecise, 'confirmed', c.confirmed_at) AS confirmed_at,
       bi.date_told(c.imprecise, 'confirmed', c.confirmed_at, r.zone) AS confirmed_date,
       bi.hour_told(c.imprecise, 'confirmed', c.confirmed_at, r.zone) AS confirmed_hour,
       bi.at_told(c.imprecise, 'disputed', c.disputed_at) AS disputed_at,
       bi.date_told(c.imprecise, 'disputed', c.disputed_at, r.zone) AS disputed_date,
       bi.hour_told(c.imprecise, 'disputed', c.disputed_at, r.zone) AS disputed_hour,
       bi.at_told(c.imprecise, 'final_position', c.final_position_at) AS final_position_at,
       bi.date_told(c.imprecise, 'final_position', c.final_position_at, r.zone) AS final_position_date,
       bi.hour_told(c.imprecise, 'final_position', c.final_position_at, r.zone) AS final_position_hour,
       c.closed_at,
       coalesce((c.imprecise -> 'closed' ->> 'on')::date, (c.closed_at AT TIME ZONE r.zone)::date)
           AS closed_date,
       bi.hour_told(c.imprecise, 'closed', c.closed_at, r.zone) AS closed_hour,
       bi.at_told(c.imprecise, 'reopened', c.reopened_at) AS reopened_at,
       bi.date_told(c.imprecise, 'reopened', c.reopened_at, r.zone) AS reopened_date,
       bi.hour_told(c.imprecise, 'reopened', c.reopened_at, r.zone) AS reopened_hour,
       c.source_system,
       c.recorded_at,
       (c.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(c.recorded_at, r.zone) AS recorded_hour,
       c.is_late_recorded,
       c.partition::integer AS ledger_partition,
       c.ledger_position
FROM views.complaint_cycles AS c
CROSS JOIN r
CROSS JOIN LATERAL (SELECT CASE WHEN c.disputed_at IS NOT NULL THEN 'disputed'
          WHEN c.reopened_at IS NOT NULL THEN 'reopened'
          WHEN c.closed_at IS NOT NULL THEN 'closed'
          WHEN c.final_position_at IS NOT NULL THEN 'final_position'
          WHEN c.resolved_at IS NOT NULL THEN 'resolved'
          ELSE 'in_work' END AS outcome) AS o
LEFT JOIN bi.dim_codes AS started
    ON started.dimension = 'cycle_start' AND started.code = c.started_by
LEFT JOIN bi.dim_codes AS outcome
    ON outcome.dimension = 'cycle_outcome' AND outcome.code = o.outcome
LEFT JOIN bi.dim_codes AS close_reason
    ON close_reason.dimension = 'close_reason' AND close_reason.code = coalesce(c.close_reason, 'none')
LEFT JOIN bi.dim_codes AS party
    ON party.dimension = 'party' AND party.code = coalesce(c.confirmed_by, 'none')
LEFT JOIN bi.dim_codes AS how
    ON how.dimension = 'how' AND how.code = coalesce(c.confirmed_how, 'none');
COMMENT ON VIEW bi.complaint_cycles IS
    'Grain: one row per complaint and cycle of the work on it: what began the cycle and how it went.';

CREATE VIEW bi.complaint_stages AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present)
SELECT s.complaint_id::text || ':' || s.stay AS stay_id,
       s.complaint_id::text AS complaint_id,
       s.complaint_id::text || ':' || s.cycle AS cycle_id,
       s.stay,
       s.cycle,
       s.stage,
       coalesce(stage.name_en, s.stage) AS stage_name_en,
       coalesce(stage.name_zh, s.stage) AS stage_name_zh,
       s.left_by IS NULL AS is_present_stay,
       s.entered_by AS entered_by_event,
       coalesce(s.left_by, 'none') AS left_by_event,
       s.holder_unit,
       coalesce(s.holder_person, 'unknown') AS holder_person,
       CASE WHEN s.imprecise -> 'entered' IS NULL AND s.imprecise -> 'left' IS NULL
                 AND (s.left_at IS NOT NULL OR s.stage <> 'closed')
            THEN bi.elapsed_minutes(s.entered_at, coalesce(s.left_at, r.present)) END
           AS stay_minutes,
       bi.at_told(s.imprecise, 'entered', s.entered_at) AS entered_at,
       bi.date_told(s.imprecise, 'entered', s.entered_at, r.zone) AS entered_date,
       bi.hour_told(s.imprecise, 'entered', s.entered_at, r.zone) AS entered_hour,
       bi.at_told(s.imprecise, 'left', s.left_at) AS left_at,
       bi.date_told(s.imprecise, 'left', s.left_at, r.zone) AS left_date,
       bi.hour_told(s.imprecise, 'left', s.left_at, r.zone) AS left_hour,
       c.source_system,
       s.recorded_at,
       (s.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(s.recorded_at, r.zone) AS recorded_hour,
       s.is_late_recorded,
       s.partition::integer AS ledger_partition,
       greatest(s.ledger_position, c.ledger_position) AS ledger_position
FROM views.complaint_stages AS s
JOIN views.complaint_cycles AS c
    ON c.partition = s.partition AND c.complaint_id = s.complaint_id AND c.cycle = s.cycle
CROSS JOIN r
LEFT JOIN bi.dim_codes AS stage ON stage.dimension = 'stage' AND stage.code = s.stage;
COMMENT ON VIEW bi.complaint_stages IS
    'Grain: one row per complaint and stay in a stage, in the order of recording.';

CREATE VIEW bi.assignments AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present)
SELECT a.complaint_id::text || ':' || a.number AS assignment_id,
       a.complaint_id::text AS complaint_id,
       a.complaint_id::text || ':' || a.cycle AS cycle_id,
       a.cycle,
       a.number AS assignment_number,
       a.given_by,
       coalesce(given.name_en, a.given_by) AS given_by_name_en,
       coalesce(given.name_zh, a.given_by) AS given_by_name_zh,
       t.status,
       coalesce(status.name_en, t.status) AS status_name_en,
       coalesce(status.name_zh, t.status) AS status_name_zh,
       a.ended_by IS NULL AS is_open,
       a.signed_for_by IS NOT NULL AS is_signed_for,
       a.ended_by IS NOT DISTINCT FROM 'returned' AS is_returned,
       a.ended_by IS NULL AND a.signed_for_by IS NULL AS is_waiting_for_sign_off,
       a.unit_id AS unit,
       coalesce(a.person_id, 'unknown') AS person,
       a.assigned_by,
       coalesce(a.signed_for_by, 'unknown') AS signed_for_by,
       coalesce(a.reason_code, 'none') AS return_reason,
       CASE WHEN a.given_by <> 'sign_for'
                 AND (a.signed_for_by IS NULL OR a.signed_for_at IS NOT NULL)
                 AND a.imprecise -> 'assigned' IS NULL
                 AND a.imprecise -> CASE WHEN a.signed_for_at IS NULL THEN 'ended' ELSE 'signed_for' END IS NULL
            THEN bi.elapsed_minutes(
                a.assigned_at, coalesce(a.signed_for_at, a.ended_at, r.present)) END
           AS sign_off_wait_minutes,
       bi.at_told(a.imprecise, 'assigned', a.assigned_at) AS assigned_at,
       bi.date_told(a.imprecise, 'assigned', a.assigned_at, r.zone) AS assigned_date,
       bi.hour_told(a.imprecise, 'assigned', a.assigned_at, r.zone) AS assigned_hour,
       bi.at_told(a.imprecise, 'signed_for', a.signed_for_at) AS signed_for_at,
       bi.date_told(a.imprecise, 'signed_for', a.signed_for_at, r.zone) AS signed_for_date,
       bi.hour_told(a.imprecise, 'signed_for', a.signed_for_at, r.zone) AS signed_for_hour,
       CASE WHEN a.ended_by = 'returned' THEN bi.at_told(a.imprecise, 'ended', a.ended_at) END AS returned_at,
       CASE WHEN a.ended_by = 'returned' THEN bi.date_told(a.imprecise, 'ended', a.ended_at, r.zone) END AS returned_date,
       CASE WHEN a.ended_by = 'returned' THEN bi.hour_told(a.imprecise, 'ended', a.ended_at, r.zone) END AS returned_hour,
       CASE WHEN a.ended_by = 'handed_on' THEN bi.at_told(a.imprecise, 'ended', a.ended_at) END AS handed_on_at,
       CASE WHEN a.ended_by = 'handed_on' THEN bi.date_told(a.imprecise, 'ended', a.ended_at, r.zone) END AS handed_on_date,
       CASE WHEN a.ended_by = 'handed_on' THEN bi.hour_told(a.imprecise, 'ended', a.ended_at, r.zone) END AS handed_on_hour,
       bi.at_told(a.imprecise, 'ended', a.ended_at) AS ended_at,
       bi.date_told(a.imprecise, 'ended', a.ended_at, r.zone) AS ended_date,
       bi.hour_told(a.imprecise, 'ended', a.ended_at, r.zone) AS ended_hour,
       c.source_system,
       a.recorded_at,
       (a.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(a.recorded_at, r.zone) AS recorded_hour,
       a.is_late_recorded,
       a.partition::integer AS ledger_partition,
       greatest(a.ledger_position, c.ledger_position) AS ledger_position
FROM views.assignments AS a
JOIN views.work_complaints AS c ON c.partition = a.partition AND c.complaint_id = a.complaint_id
CROSS JOIN r
CROSS JOIN LATERAL (SELECT CASE WHEN a.ended_by IS NOT NULL THEN a.ended_by
          WHEN a.signed_for_by IS NOT NULL THEN 'signed_for' ELSE 'waiting' END AS status) AS t
LEFT JOIN bi.dim_codes AS given ON given.dimension = 'given_by' AND given.code = a.given_by
LEFT JOIN bi.dim_codes AS status
    ON status.dimension = 'assignment_status' AND status.code = t.status;
COMMENT ON VIEW bi.assignments IS
    'Grain: one row per complaint and assignment: each time a unit or a person was given it.';

CREATE VIEW bi.tasks AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present)
SELECT t.task_id::text AS task_id,
       t.complaint_id::text AS complaint_id,
       t.complaint_id::text || ':' || t.cycle AS cycle_id,
       t.cycle,
       t.kind AS task_kind,
       s.status,
       coalesce(status.name_en, s.status) AS status_name_en,
       coalesce(status.name_zh, s.status) AS status_name_zh,
       s.status = 'open' AS is_open,
       s.status = 'completed' AS is_completed,
       s.status = 'ended' AS is_ended_undone,
       s.status = 'open' AND coalesce(t.due_at < r.present, false) AS is_overdue,
       s.status = 'completed' AND coalesce(t.due_at < t.completed_at, false) AS is_completed_late,
       t.unit_id AS unit,
       coalesce(t.person_id, 'unknown') AS person,
       t.delegated_by,
       coalesce(t.completed_by, 'unknown') AS completed_by,
       coalesce(t.outcome, 'unknown') AS task_outcome,
       coalesce(t.end_reason, 'none') AS end_reason,
       coalesce(reason.name_en, coalesce(t.end_reason, 'none')) AS end_reason_name_en,
       coalesce(reason.name_zh, coalesce(t.end_reason, 'none')) AS end_reason_name_zh,
       CASE WHEN t.imprecise -> 'delegated' IS NULL AND t.imprecise -> 'completed' IS NULL
            THEN bi.elapsed_minutes(t.delegated_at, t.completed_at) END AS time_to_complete_minutes,
       CASE WHEN s.status = 'open' AND t.due_at < r.present THEN bi.minutes_between(t.due_at, r.present)
            WHEN t.due_at < t.completed_at AND t.imprecise -> 'completed' IS NULL
            THEN bi.minutes_between(t.due_at, t.completed_at) END AS late_minutes,
       bi.at_told(t.imprecise, 'delegated', t.delegated_at) AS delegated_at,
       bi.date_told(t.imprecise, 'delegated', t.delegated_at, r.zone) AS delegated_date,
       bi.hour_told(t.imprecise, 'delegated', t.delegated_at, r.zone) AS delegated_hour,
       t.due_at,
       (t.due_at AT TIME ZONE r.zone)::date AS due_date,
       bi.hour_at(t.due_at, r.zone) AS due_hour,
       bi.at_told(t.imprecise, 'completed', t.completed_at) AS completed_at,
       bi.date_told(t.imprecise, 'completed', t.completed_at, r.zone) AS completed_date,
       bi.hour_told(t.imprecise, 'completed', t.completed_at, r.zone) AS completed_hour,
       bi.at_told(t.imprecise, 'ended', t.ended_at) AS ended_at,
       bi.date_told(t.imprecise, 'ended', t.ended_at, r.zone) AS ended_date,
       bi.hour_told(t.imprecise, 'ended', t.ended_at, r.zone) AS ended_hour,
       bi.at_told(t.imprecise, 'suspended', t.suspended_at) AS suspended_at,
       bi.date_told(t.imprecise, 'suspended', t.suspended_at, r.zone) AS suspended_date,
       bi.hour_told(t.imprecise, 'suspended', t.suspended_at, r.zone) AS suspended_hour,
       c.source_system,
       t.recorded_at,
       (t.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(t.recorded_at, r.zone) AS recorded_hour,
       t.is_late_recorded,
       t.partition::integer AS ledger_partition,
       greatest(t.ledger_position, c.ledger_position) AS ledger_position
FROM views.tasks AS t
JOIN views.work_complaints AS c ON c.partition = t.partition AND c.complaint_id = t.complaint_id
CROSS JOIN r
CROSS JOIN LATERAL (SELECT CASE WHEN t.completed_at IS NOT NULL THEN 'completed'
          WHEN t.ended_at IS NOT NULL THEN 'ended'
          WHEN t.suspended_at IS NOT NULL THEN 'suspended' ELSE 'open' END AS status) AS s
LEFT JOIN bi.dim_codes AS status ON status.dimension = 'task_status' AND status.code = s.status
LEFT JOIN bi.dim_codes AS reason
    ON reason.dimension = 'close_reason' AND reason.code = coalesce(t.end_reason, 'none');
COMMENT ON VIEW bi.tasks IS
    'Grain: one row per task delegated to another unit, and what became of it.';

CREATE VIEW bi.remedies AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present)
SELECT m.remedy_id::text AS remedy_id,
       m.complaint_id::text AS complaint_id,
       m.complaint_id::text || ':' || m.cycle AS cycle_id,
       m.cycle,
       m.kind AS remedy_kind,
       m.basis,
       coalesce(basis.name_en, m.basis) AS basis_name_en,
       coalesce(basis.name_zh, m.basis) AS basis_name_zh,
       m.status,
       coalesce(status.name_en, m.status) AS status_name_en,
       coalesce(status.name_zh, m.status) AS status_name_zh,
       m.needs_approval AS is_approval_needed,
       m.approved_at IS NOT NULL AS is_approved,
       m.rejected_at IS NOT NULL AS is_rejected,
       m.accepted_at IS NOT NULL AS is_accepted,
       m.declined_at IS NOT NULL AS is_declined,
       m.superseded_at IS NOT NULL AS is_superseded,
       m.fulfilled_at IS NOT NULL AS is_fulfilled,
       m.status = 'accepted' AS is_outstanding,
       m.amount_minor AS offered_amount_minor,
       m.fulfilled_minor AS fulfilled_amount_minor,
       coalesce(m.currency, 'unknown') AS currency,
       m.change_cost_minor AS change_cost_amount_minor,
       coalesce(m.change_cost_currency, 'none') AS change_cost_currency,
       m.fulfilment_count,
       m.proposed_by,
       coalesce(m.approved_by, 'unknown') AS approved_by,
       coalesce(m.rejected_by, 'unknown') AS rejected_by,
       coalesce(m.reason_code, 'none') AS reason_code,
       coalesce(m.supersedes::text, 'none') AS supersedes_remedy_id,
       coalesce(m.superseded_by::text, 'none') AS superseded_by_remedy_id,
       CASE WHEN m.imprecise -> 'proposed' IS NULL AND m.imprecise -> 'approved' IS NULL
            THEN bi.elapsed_minutes(m.proposed_at, m.approved_at) END AS time_to_approve_minutes,
       CASE WHEN m.imprecise -> 'accepted' IS NULL AND m.imprecise -> 'fulfilled' IS NULL
            THEN round(bi.elapsed_minutes(m.accepted_at, m.fulfilled_at) / 1440, 6) END
           AS days_to_fulfil,
       CASE WHEN m.status = 'accepted' AND m.imprecise -> 'accepted' IS NULL
            THEN round(bi.elapsed_minutes(m.accepted_at, r.present) / 1440, 6) END
           AS days_outstanding,
       bi.at_told(m.imprecise, 'proposed', m.proposed_at) AS proposed_at,
       bi.date_told(m.imprecise, 'proposed', m.proposed_at, r.zone) AS proposed_date,
       bi.hour_told(m.imprecise, 'proposed', m.proposed_at, r.zone) AS proposed_hour,
       bi.at_told(m.imprecise, 'approved', m.approved_at) AS approved_at,
       bi.date_told(m.imprecise, 'approved', m.approved_at, r.zone) AS approved_date,
       bi.hour_told(m.imprecise, 'approved', m.approved_at, r.zone) AS approved_hour,
       bi.at_told(m.imprecise, 'rejected', m.rejected_at) AS rejected_at,
       bi.date_told(m.imprecise, 'rejected', m.rejected_at, r.zone) AS rejected_date,
       bi.hour_told(m.imprecise, 'rejected', m.rejected_at, r.zone) AS rejected_hour,
       bi.at_told(m.imprecise, 'accepted', m.accepted_at) AS accepted_at,
       bi.date_told(m.imprecise, 'accepted', m.accepted_at, r.zone) AS accepted_date,
       bi.hour_told(m.imprecise, 'accepted', m.accepted_at, r.zone) AS accepted_hour,
       bi.at_told(m.imprecise, 'declined', m.declined_at) AS declined_at,
       bi.date_told(m.imprecise, 'declined', m.declined_at, r.zone) AS declined_date,
       bi.hour_told(m.imprecise, 'declined', m.declined_at, r.zone) AS declined_hour,
       bi.at_told(m.imprecise, 'superseded', m.superseded_at) AS superseded_at,
       bi.date_told(m.imprecise, 'superseded', m.superseded_at, r.zone) AS superseded_date,
       bi.hour_told(m.imprecise, 'superseded', m.superseded_at, r.zone) AS superseded_hour,
       bi.at_told(m.imprecise, 'fulfilled', m.fulfilled_at) AS fulfilled_at,
       bi.date_told(m.imprecise, 'fulfilled', m.fulfilled_at, r.zone) AS fulfilled_date,
       bi.hour_told(m.imprecise, 'fulfilled', m.fulfilled_at, r.zone) AS fulfilled_hour,
       c.source_system,
       m.recorded_at,
       (m.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(m.recorded_at, r.zone) AS recorded_hour,
       m.is_late_recorded,
       m.partition::integer AS ledger_partition,
       greatest(m.ledger_position, c.ledger_position) AS ledger_position
FROM views.remedies AS m
JOIN views.work_complaints AS c ON c.partition = m.partition AND c.complaint_id = m.complaint_id
CROSS JOIN r
LEFT JOIN bi.dim_codes AS basis ON basis.dimension = 'basis' AND basis.code = m.basis
LEFT JOIN bi.dim_codes AS status ON status.dimension = 'remedy_status' AND status.code = m.status;
COMMENT ON VIEW bi.remedies IS
    'Grain: one row per remedy proposed to a customer, and what became of it.';

CREATE VIEW bi.contacts AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone)
SELECT coalesce(k.contact_id::text, k.complaint_id::text || ':' || k.version) AS contact_id,
       k.complaint_id::text AS complaint_id,
       k.complaint_id::text || ':' || k.cycle AS cycle_id,
       k.cycle,
       k.kind AS contact_kind,
       coalesce(kind.name_en, k.kind) AS contact_kind_name_en,
       coalesce(kind.name_zh, k.kind) AS contact_kind_name_zh,
       k.direction,
       coalesce(direction.name_en, k.direction) AS direction_name_en,
       coalesce(direction.name_zh, k.direction) AS direction_name_zh,
       k.channel,
       coalesce(channel.name_en, k.channel) AS channel_name_en,
       coalesce(channel.name_zh, k.channel) AS channel_name_zh,
       k.party,
       coalesce(party.name_en, k.party) AS party_name_en,
       coalesce(party.name_zh, k.party) AS party_name_zh,
       k.purpose,
       coalesce(purpose.name_en, k.purpose) AS purpose_name_en,
       coalesce(purpose.name_zh, k.purpose) AS purpose_name_zh,
       k.outcome,
       coalesce(outcome.name_en, k.outcome) AS outcome_name_en,
       coalesce(outcome.name_zh, k.outcome) AS outcome_name_zh,
       k.kind = 'chaser' AS is_chaser,
       k.outcome = 'reached' AS is_reached,
       k.actor_kind,
       coalesce(actor.name_en, k.actor_kind) AS actor_kind_name_en,
       coalesce(actor.name_zh, k.actor_kind) AS actor_kind_name_zh,
       CASE WHEN k.actor_kind = 'customer' THEN 'unknown' ELSE k.contacted_by END AS contacted_by,
       coalesce(k.unit_id, 'unknown') AS unit,
       bi.at_told(k.imprecise, 'contacted', k.contacted_at) AS contacted_at,
       bi.date_told(k.imprecise, 'contacted', k.contacted_at, r.zone) AS contacted_date,
       bi.hour_told(k.imprecise, 'contacted', k.contacted_at, r.zone) AS contacted_hour,
       c.source_system,
       k.recorded_at,
       (k.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(k.recorded_at, r.zone) AS recorded_hour,
       k.is_late_recorded,
       k.partition::integer AS ledger_partition,
       greatest(k.ledger_position, c.ledger_position) AS ledger_position
FROM views.contacts AS k
JOIN views.work_complaints AS c ON c.partition = k.partition AND c.complaint_id = k.complaint_id
CROSS JOIN r
LEFT JOIN bi.dim_codes AS kind ON kind.dimension = 'contact_kind' AND kind.code = k.kind
LEFT JOIN bi.dim_codes AS direction
    ON direction.dimension = 'direction' AND direction.code = k.direction
LEFT JOIN bi.dim_codes AS channel ON channel.dimension = 'channel' AND channel.code = k.channel
LEFT JOIN bi.dim_codes AS party ON party.dimension = 'party' AND party.code = k.party
LEFT JOIN bi.dim_codes AS purpose ON purpose.dimension = 'purpose' AND purpose.code = k.purpose
LEFT JOIN bi.dim_codes AS outcome
    ON outcome.dimension = 'contact_outcome' AND outcome.code = k.outcome
LEFT JOIN bi.dim_codes AS actor ON actor.dimension = 'actor_kind' AND actor.code = k.actor_kind;
COMMENT ON VIEW bi.contacts IS
    'Grain: one row per contact with the people behind a complaint, attempts and chasers included.';

-- --- dimensions ----------------------------------------------------------------------------
-- Members seen in the data, and `unknown`: facts join to them by the columns that docs/bi.md names,
-- and lose no row.

CREATE VIEW bi.dim_channel AS
SELECT seen.channel_id,
       coalesce(n.name_en, seen.channel_id) AS channel_name_en,
       coalesce(n.name_zh, seen.channel_id) AS channel_name_zh,
       coalesce(n.sort_order, 90) AS sort_order
FROM (SELECT channel AS channel_id FROM views.complaints
      UNION SELECT channel FROM views.contacts
      UNION SELECT 'unknown') AS seen
LEFT JOIN bi.dim_codes AS n ON n.dimension = 'channel' AND n.code = seen.channel_id;
COMMENT ON VIEW bi.dim_channel IS
    'Grain: one row per channel by which a complaint came in or a contact took place, and unknown.';

CREATE VIEW bi.dim_category AS
SELECT DISTINCT ON (array_to_string(seen.path, ' > '))
       array_to_string(seen.path, ' > ') AS category_id,
       seen.path[cardinality(seen.path)] AS category_label,
       cardinality(seen.path) AS level_count,
       seen.path[1] AS category_level_1,
       coalesce(seen.path[2], 'unknown') AS category_level_2,
       coalesce(seen.path[3], 'unknown') AS category_level_3,
       coalesce(seen.path[4], 'unknown') AS category_level_4
FROM (SELECT category_path AS path FROM views.complaints WHERE category_path IS NOT NULL
      UNION SELECT ARRAY['unknown']) AS seen
ORDER BY array_to_string(seen.path, ' > '), seen.path;
COMMENT ON VIEW bi.dim_category IS
    'Grain: one row per category that a complaint has, as the whole path, and unknown.';

CREATE VIEW bi.dim_unit AS
SELECT seen.unit_id, seen.unit_id AS unit_name_en, seen.unit_id AS unit_name_zh
FROM (SELECT holder_unit AS unit_id FROM views.complaint_stages
      UNION SELECT received_unit FROM views.complaints
      UNION SELECT holder_unit FROM views.complaint_cycles
      UNION SELECT holder_unit FROM views.sla_clocks
      UNION SELECT unit_id FROM views.assignments
      UNION SELECT unit_id FROM views.tasks
      UNION SELECT unit_id FROM views.contacts
      UNION SELECT 'unknown') AS seen
WHERE seen.unit_id IS NOT NULL;
COMMENT ON VIEW bi.dim_unit IS
    'Grain: one row per unit that held, received, was given or dealt with something, and unknown.';

CREATE VIEW bi.dim_agent AS
SELECT seen.agent_id, seen.agent_id AS agent_name_en, seen.agent_id AS agent_name_zh
FROM (SELECT holder_person AS agent_id FROM views.complaint_stages
      UNION SELECT holder_person FROM views.complaint_cycles
      UNION SELECT resolved_by FROM views.complaint_cycles
      UNION SELECT holder_person FROM views.sla_clocks
      UNION SELECT owner_person FROM views.complaints
      UNION SELECT unnest(ARRAY[person_id, assigned_by, signed_for_by]) FROM views.assignments
      UNION SELECT unnest(ARRAY[person_id, delegated_by, completed_by]) FROM views.tasks
      UNION SELECT unnest(ARRAY[proposed_by, approved_by, rejected_by]) FROM views.remedies
      UNION SELECT contacted_by FROM views.contacts WHERE actor_kind <> 'customer'
      UNION SELECT 'unknown') AS seen
WHERE seen.agent_id IS NOT NULL;
COMMENT ON VIEW bi.dim_agent IS
    'Grain: one row per person, bot or system that held or did something, by opaque id, and unknown.';

CREATE VIEW bi.dim_product AS
SELECT CASE WHEN seen.product_sku = 'unknown' AND seen.product_model = 'unknown' THEN 'unknown'
            ELSE seen.product_sku || ' | ' || seen.product_model END AS product_id,
       seen.product_sku,
       seen.product_model,
       CASE WHEN seen.product_model <> 'unknown' THEN seen.product_model
            WHEN seen.product_sku <> 'unknown' THEN seen.product_sku
            ELSE 'Unknown' END AS product_name_en,
       CASE WHEN seen.product_model <> 'unknown' THEN seen.product_model
            WHEN seen.product_sku <> 'unknown' THEN seen.product_sku
            ELSE '未知' END AS product_name_zh
FROM (SELECT coalesce(product_sku, 'unknown') AS product_sku,
             coalesce(product_model, 'unknown') AS product_model FROM views.complaints
      UNION SELECT 'unknown', 'unknown') AS seen;
COMMENT ON VIEW bi.dim_product IS
    'Grain: one row per product complained about, by stock-keeping unit and model, and unknown.';

-- An administrative code of China of six digits belongs to the province of its first two.
CREATE VIEW bi.dim_region AS
WITH member AS (
    SELECT seen.region_id, coalesce(own.code, province.code, 'unknown') AS province_id,
           coalesce(own.name_en, province.name_en) AS name_en,
           coalesce(own.name_zh, province.name_zh) AS name_zh,
           CASE WHEN seen.region_id = 'unknown' THEN 'unknown'
                ELSE CASE coalesce(own.sort_order, province.sort_order) / 10
                         WHEN 1 THEN 'north' WHEN 2 THEN 'northeast' WHEN 3 THEN 'east'
                         WHEN 4 THEN CASE WHEN coalesce(own.sort_order, province.sort_order) < 44
                                          THEN 'central' ELSE 'south' END
                         WHEN 5 THEN 'southwest' WHEN 6 THEN 'northwest'
                         WHEN 7 THEN 'hk_mo_tw' WHEN 8 THEN 'hk_mo_tw'
                         ELSE 'elsewhere' END END AS area
    FROM (SELECT region AS region_id FROM views.complaints WHERE region IS NOT NULL
          UNION SELECT 'unknown') AS seen
    LEFT JOIN bi.dim_codes AS own ON own.dimension = 'region' AND own.code = seen.region_id
    LEFT JOIN bi.dim_codes AS province
        ON province.dimension = 'region' AND own.code IS NULL
           AND province.sort_order BETWEEN 11 AND 82
           AND seen.region_id ~ '^[1-9][0-9]{5}$'
           AND left(seen.region_id, 2) = province.sort_order::text
)
SELECT m.region_id,
       coalesce(m.name_en, m.region_id) AS region_name_en,
       coalesce(m.name_zh, m.region_id) AS region_name_zh,
       m.province_id,
       m.area,
       area.name_en AS area_name_en,
       area.name_zh AS area_name_zh
FROM member AS m
LEFT JOIN bi.dim_codes AS area ON area.dimension = 'area' AND area.code = m.area;
COMMENT ON VIEW bi.dim_region IS
    'Grain: one row per region a complaint comes from, with its province and part of China, and unknown.';

-- --- what every column means ----------------------------------------------------------------

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT c.relation, c.name, c.meaning FROM (VALUES
        ('complaint_cycles', 'cycle_id', 'Unique key: complaint and cycle.'),
        ('complaint_cycles', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('complaint_cycles', 'cycle', 'Number of the cycle, from 1; a dispute or a reopening begins the next.'),
        ('complaint_cycles', 'started_by', 'What began it: the receipt, a dispute or a reopening.'),
        ('complaint_cycles', 'outcome', 'How far it came: in_work, resolved, final_position, closed; disputed or reopened where the next cycle followed.'),
        ('complaint_cycles', 'is_present_cycle', 'No later cycle followed.'),
        ('complaint_cycles', 'is_open', 'It is in work, or resolved and not closed.'),
        ('complaint_cycles', 'is_resolved', 'The work was declared done in it, whether or not the customer disputed that.'),
        ('complaint_cycles', 'is_confirmed', 'The customer confirmed its resolution.'),
        ('complaint_cycles', 'is_disputed', 'The customer disputed its resolution.'),
        ('complaint_cycles', 'is_closed', 'The complaint was closed in it, whether or not it was reopened; a merge that was undone is no close.'),
        ('complaint_cycles', 'is_reopened', 'The complaint was closed in it and reopened.'),
        ('complaint_cycles', 'is_verified', 'Closed in it with both verifications.'),
        ('complaint_cycles', 'close_reason', 'Why the complaint was closed in it; none where it was not.'),
        ('complaint_cycles', 'resolution_outcome', 'Outcome told with the resolution; unknown where none was told.'),
        ('complaint_cycles', 'resolved_by', 'Person who declared the work done; unknown where nobody did.'),
        ('complaint_cycles', 'confirmed_by', 'Who confirmed the resolution, the last time; none where nobody did.'),
        ('complaint_cycles', 'confirmed_how', 'How the resolution was confirmed, the last time; none where nobody did.'),
        ('complaint_cycles', 'holder_unit', 'Unit that held the complaint at the resolution of the cycle; without one at its close, else now.'),
        ('complaint_cycles', 'holder_person', 'Person, as holder_unit; unknown where it was nobody in person.'),
        ('complaint_cycles', 'time_to_resolution_minutes', 'From the start of the cycle to its resolution, around the clock; NULL unless both are known to the minute.'),
        ('complaint_cycles', 'time_to_confirmation_minutes', 'From the resolution to its confirmation, around the clock; NULL unless both are known to the minute.'),
        ('complaint_cycles', 'time_to_close_minutes', 'From the start of the cycle to the close, around the clock; NULL unless both are known to the minute.'),
        ('complaint_cycles', 'age_minutes', 'From the start of the cycle to the present, while it is open.'),
        ('complaint_cycles', 'started_at', 'When it began: the receipt, the dispute or the reopening; of day precision the begin of that day.'),
        ('complaint_cycles', 'resolved_at', 'When the work was declared done; NULL where that did not happen or nobody told when.'),
        ('complaint_cycles', 'confirmed_at', 'When the customer confirmed the resolution, the last time; NULL where that did not happen or nobody told when.'),
        ('complaint_cycles', 'disputed_at', 'When the customer disputed the resolution; NULL where that did not happen or nobody told when.'),
        ('complaint_cycles', 'final_position_at', 'When the last word was declared; NULL where that did not happen or nobody told when.'),
        ('complaint_cycles', 'closed_at', 'When the complaint was closed in it; of unknown precision the latest date its source tells.'),
        ('complaint_cycles', 'reopened_at', 'When it was opened again after that close; NULL where that did not happen or nobody told when.'),
        ('complaint_cycles', 'source_system', 'The system that registered the complaint.'),
        ('complaint_cycles', 'recorded_at', 'When its start was recorded.'),
        ('complaint_cycles', 'is_late_recorded', 'Any of its times was recorded more than 60 seconds after it occurred as told.'),
        ('complaint_cycles', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('complaint_cycles', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('complaint_stages', 'stay_id', 'Unique key: complaint and number of the stay.'),
        ('complaint_stages', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('complaint_stages', 'cycle_id', 'The cycle it was entered in, as in bi.complaint_cycles.'),
        ('complaint_stages', 'stay', 'Number of the stay, from 1, in the order of recording.'),
        ('complaint_stages', 'cycle', 'Cycle in which the stage was entered.'),
        ('complaint_stages', 'stage', 'The stage.'),
        ('complaint_stages', 'is_present_stay', 'The complaint is at this stage now.'),
        ('complaint_stages', 'entered_by_event', 'Type of the event that led into it.'),
        ('complaint_stages', 'left_by_event', 'Type of the event that led out of it; none while it lasts.'),
        ('complaint_stages', 'holder_unit', 'Unit that held the complaint at the end of the stay, else now.'),
        ('complaint_stages', 'holder_person', 'Person, as holder_unit; unknown where it was nobody in person.'),
        ('complaint_stages', 'stay_minutes', 'How long it lasted, to the present while it lasts, around the clock; 0 where the end was told as before the begin; NULL while closed, and unless both ends are known to the minute.'),
        ('complaint_stages', 'entered_at', 'When the stage was entered, as told; NULL where nobody told when.'),
        ('complaint_stages', 'left_at', 'When it was left, as told; NULL where that did not happen or nobody told when.'),
        ('complaint_stages', 'source_system', 'The system that registered the complaint.'),
        ('complaint_stages', 'recorded_at', 'When the event that led into it was recorded.'),
        ('complaint_stages', 'is_late_recorded', 'Any of its times was recorded more than 60 seconds after it occurred as told.'),
        ('complaint_stages', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('complaint_stages', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('assignments', 'assignment_id', 'Unique key: complaint and number of the assignment.'),
        ('assignments', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('assignments', 'cycle_id', 'The cycle it belongs to, as in bi.complaint_cycles.'),
        ('assignments', 'cycle', 'Cycle of the complaint it belongs to.'),
        ('assignments', 'assignment_number', 'Number within the complaint, from 1, in the order of recording.'),
        ('assignments', 'given_by', 'How it came about: an assignment, somebody signing for what lay in a queue or with another, or a reopening, which gives it to whoever held it last.'),
        ('assignments', 'status', 'waiting to be signed for, signed_for, returned, handed_on, or closed with the complaint.'),
        ('assignments', 'is_open', 'It stands.'),
        ('assignments', 'is_signed_for', 'Somebody signed for it.'),
        ('assignments', 'is_returned', 'It was handed back to the queue of its unit.'),
        ('assignments', 'is_waiting_for_sign_off', 'It stands and nobody has signed for it.'),
        ('assignments', 'unit', 'Unit it was given to.'),
        ('assignments', 'person', 'Person it was given to; unknown where only the unit was named.'),
        ('assignments', 'assigned_by', 'Who gave it.'),
        ('assignments', 'signed_for_by', 'Who signed for it; unknown where nobody did.'),
        ('assignments', 'return_reason', 'Reason code of the return; none where it was not returned.'),
        ('assignments', 'sign_off_wait_minutes', 'From being given to being signed for, else to its end, else to the present, around the clock; NULL where nobody had to sign, or unless both are known to the minute.'),
        ('assignments', 'assigned_at', 'When it was given; NULL where nobody told when.'),
        ('assignments', 'signed_for_at', 'When it was signed for; NULL also where somebody had signed before a reopening.'),
        ('assignments', 'returned_at', 'When it was handed back; NULL where that did not happen or nobody told when.'),
        ('assignments', 'handed_on_at', 'When somebody else was given the complaint; NULL where that did not happen or nobody told when.'),
        ('assignments', 'ended_at', 'When it ended, by a return, by being handed on or with the complaint; NULL where that did not happen or nobody told when.'),
        ('assignments', 'source_system', 'The system that registered the complaint.'),
        ('assignments', 'recorded_at', 'When it was recorded.'),
        ('assignments', 'is_late_recorded', 'Any of its times was recorded more than 60 seconds after it occurred as told.'),
        ('assignments', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('assignments', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('tasks', 'task_id', 'Unique key: the task.'),
        ('tasks', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('tasks', 'cycle_id', 'The cycle it belongs to, as in bi.complaint_cycles.'),
        ('tasks', 'cycle', 'Cycle of the complaint it belongs to.'),
        ('tasks', 'task_kind', 'Kind of the work.'),
        ('tasks', 'status', 'open, suspended while the complaint is merged into another, completed, or ended undone with the complaint.'),
        ('tasks', 'is_open', 'It is to be done.'),
        ('tasks', 'is_completed', 'It was done.'),
        ('tasks', 'is_ended_undone', 'The complaint was closed before it was done.'),
        ('tasks', 'is_overdue', 'It is open, and its due lies before the present.'),
        ('tasks', 'is_completed_late', 'It was done after its due.'),
        ('tasks', 'unit', 'Unit it was given to.'),
        ('tasks', 'person', 'Person it was given to; unknown where only the unit was named.'),
        ('tasks', 'delegated_by', 'Who gave it.'),
        ('tasks', 'completed_by', 'Who recorded that it was done; unknown while it is not.'),
        ('tasks', 'task_outcome', 'Outcome told; unknown where none was told.'),
        ('tasks', 'end_reason', 'Why the complaint was closed that ended it undone; none where it was not.'),
        ('tasks', 'time_to_complete_minutes', 'From being delegated to being done, around the clock; NULL unless both are known to the minute.'),
        ('tasks', 'late_minutes', 'From the due to the completion, or to the present while it is open; NULL unless it is or was late.'),
        ('tasks', 'delegated_at', 'When it was given; NULL where nobody told when.'),
        ('tasks', 'due_at', 'When it is due; NULL where nobody said.'),
        ('tasks', 'completed_at', 'When it was done; NULL where that did not happen or nobody told when.'),
        ('tasks', 'ended_at', 'When the complaint was closed that ended it undone; NULL where that did not happen or nobody told when.'),
        ('tasks', 'suspended_at', 'Since when it rests because the complaint is merged into another; NULL where it does not.'),
        ('tasks', 'source_system', 'The system that registered the complaint.'),
        ('tasks', 'recorded_at', 'When its delegation was recorded.'),
        ('tasks', 'is_late_recorded', 'Any of its times was recorded more than 60 seconds after it occurred as told.'),
        ('tasks', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('tasks', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('remedies', 'remedy_id', 'Unique key: the remedy.'),
        ('remedies', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('remedies', 'cycle_id', 'The cycle it belongs to, as in bi.complaint_cycles.'),
        ('remedies', 'cycle', 'Cycle of the complaint it belongs to.'),
        ('remedies', 'remedy_kind', 'What was offered.'),
        ('remedies', 'basis', 'On what ground: owed by law, by contract, or goodwill.'),
        ('remedies', 'status', 'The last thing that became of it.'),
        ('remedies', 'is_approval_needed', 'Goodwill that a second person has to approve.'),
        ('remedies', 'is_approved', 'A second person approved it.'),
        ('remedies', 'is_rejected', 'It was not granted.'),
        ('remedies', 'is_accepted', 'The customer took it, whatever became of it later.'),
        ('remedies', 'is_declined', 'The customer did not take it.'),
        ('remedies', 'is_superseded', 'Another remedy took its place.'),
        ('remedies', 'is_fulfilled', 'It was carried out, in part at least.'),
        ('remedies', 'is_outstanding', 'Accepted, and not yet carried out or superseded.'),
        ('remedies', 'offered_amount_minor', 'Amount offered, in minor units of currency; NULL where it is not money.'),
        ('remedies', 'fulfilled_amount_minor', 'Sum of what was paid out in that currency, in minor units; payments in another currency are not in it.'),
        ('remedies', 'currency', 'Currency of the amounts: of the offer, else of the first payment; unknown where no money is named.'),
        ('remedies', 'change_cost_amount_minor', 'What it had cost by the time another took its place, in minor units of change_cost_currency; NULL where nobody said.'),
        ('remedies', 'change_cost_currency', 'Currency of that cost; none where there is none.'),
        ('remedies', 'fulfilment_count', 'How often something was carried out or paid.'),
        ('remedies', 'proposed_by', 'Who offered it.'),
        ('remedies', 'approved_by', 'Who approved it; unknown where nobody did.'),
        ('remedies', 'rejected_by', 'Who refused to grant it; unknown where nobody did.'),
        ('remedies', 'reason_code', 'Why it was rejected or superseded; none where it was neither.'),
        ('remedies', 'supersedes_remedy_id', 'The remedy whose place it took; none where it took no place.'),
        ('remedies', 'superseded_by_remedy_id', 'The remedy that took its place; none where none did.'),
        ('remedies', 'time_to_approve_minutes', 'From the offer to its approval, around the clock; NULL unless both are known to the minute.'),
        ('remedies', 'days_to_fulfil', 'From the acceptance to the first fulfilment, in days of 24 hours; NULL unless both are known to the minute.'),
        ('remedies', 'days_outstanding', 'From the acceptance to the present, in days of 24 hours, while it is outstanding.'),
        ('remedies', 'proposed_at', 'When it was offered; NULL where nobody told when.'),
        ('remedies', 'approved_at', 'When it was approved; NULL where that did not happen or nobody told when.'),
        ('remedies', 'rejected_at', 'When it was rejected; NULL where that did not happen or nobody told when.'),
        ('remedies', 'accepted_at', 'When the customer took it; NULL where that did not happen or nobody told when.'),
        ('remedies', 'declined_at', 'When the customer refused it; NULL where that did not happen or nobody told when.'),
        ('remedies', 'superseded_at', 'When another took its place; NULL where that did not happen or nobody told when.'),
        ('remedies', 'fulfilled_at', 'When it was carried out, the first time; NULL where that did not happen or nobody told when.'),
        ('remedies', 'source_system', 'The system that registered the complaint.'),
        ('remedies', 'recorded_at', 'When the offer was recorded.'),
        ('remedies', 'is_late_recorded', 'Any of its times was recorded more than 60 seconds after it occurred as told.'),
        ('remedies', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('remedies', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('contacts', 'contact_id', 'Unique key: the contact; of a chaser, the complaint and the version of its event.'),
        ('contacts', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('contacts', 'cycle_id', 'The cycle it belongs to, as in bi.complaint_cycles.'),
        ('contacts', 'cycle', 'Cycle of the complaint it belongs to.'),
        ('contacts', 'contact_kind', 'contact: recorded by us; chaser: the complainant asked of their own accord where things stand.'),
        ('contacts', 'direction', 'inbound or outbound.'),
        ('contacts', 'channel', 'By which channel.'),
        ('contacts', 'party', 'With whom.'),
        ('contacts', 'purpose', 'What for.'),
        ('contacts', 'outcome', 'Whether somebody was reached.'),
        ('contacts', 'is_chaser', 'The complainant asked of their own accord.'),
        ('contacts', 'is_reached', 'Somebody was reached.'),
        ('contacts', 'actor_kind', 'What kind of being recorded it: person, bot, customer, system or import.'),
        ('contacts', 'contacted_by', 'Who recorded it, themselves or through a system that names them; unknown where it was the customer.'),
        ('contacts', 'unit', 'Unit of whoever recorded it; unknown where their key names none.'),
        ('contacts', 'contacted_at', 'When it took place; NULL where nobody told when.'),
        ('contacts', 'source_system', 'The system that registered the complaint.'),
        ('contacts', 'recorded_at', 'When it was recorded.'),
        ('contacts', 'is_late_recorded', 'Any of its times was recorded more than 60 seconds after it occurred as told.'),
        ('contacts', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('contacts', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('dim_channel', 'channel_id', 'Unique key: the channel.'),
        ('dim_channel', 'sort_order', 'Order in lists.'),
        ('dim_category', 'category_id', 'Unique key: all levels from coarse to fine, as category_path in bi.complaints.'),
        ('dim_category', 'category_label', 'The finest level.'),
        ('dim_category', 'level_count', 'How many levels it has.'),
        ('dim_category', 'category_level_1', 'The coarsest level.'),
        ('dim_category', 'category_level_2', 'The second level from coarse to fine; unknown where there is none.'),
        ('dim_category', 'category_level_3', 'The third level from coarse to fine; unknown where there is none.'),
        ('dim_category', 'category_level_4', 'The fourth level from coarse to fine; unknown where there is none.'),
        ('dim_unit', 'unit_id', 'Unique key: the unit, by the stable id its callers use.'),
        ('dim_agent', 'agent_id', 'Unique key: the person, bot or system, by its opaque id.'),
        ('dim_product', 'product_id', 'Unique key: stock-keeping unit and model.'),
        ('dim_product', 'product_sku', 'Stock-keeping unit; unknown where nobody told it.'),
        ('dim_product', 'product_model', 'Model; unknown where nobody told it.'),
        ('dim_region', 'region_id', 'Unique key: the region as told, ISO 3166-2 or administrative code.'),
        ('dim_region', 'province_id', 'Province or state, ISO 3166-2; unknown where the code is not known.'),
        ('dim_region', 'area', 'Part of China: north, northeast, east, central, south, southwest, northwest, hk_mo_tw; elsewhere; unknown.')
    ) AS c (relation, name, meaning) LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', item.relation, item.name, item.meaning);
    END LOOP;

    -- Beside every code its names, beside every time its date and hour.
    FOR item IN
        SELECT c.table_name, c.column_name, CASE
            WHEN c.column_name LIKE '%\_name\_en' THEN format('Name of %s in English.', left(c.column_name, -8))
            WHEN c.column_name LIKE '%\_name\_zh' THEN format('Name of %s in Chinese.', left(c.column_name, -8))
            WHEN c.column_name LIKE '%\_date' THEN format(
                'Date of %s in the reporting zone; of day precision the date as told.', left(c.column_name, -5) || '_at')
            ELSE format('Hour of %s in the reporting zone, 0 to 23; NULL where no time of day was told.',
                        left(c.column_name, -5) || '_at')
            END AS meaning
        FROM information_schema.columns AS c
        WHERE c.table_schema = 'bi'
          AND c.column_name SIMILAR TO '%\_(name\_en|name\_zh|date|hour)'
          AND col_description(format('bi.%I', c.table_name)::regclass, c.ordinal_position) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', item.table_name, item.column_name, item.meaning);
    END LOOP;
END;
$$;
