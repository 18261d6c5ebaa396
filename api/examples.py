"""An example body for every command: together they tell the story of one complaint."""

from typing import Any

CONTACT_ID = "5f0c1d2e-3b4a-5c6d-8e7f-0a1b2c3d4e5f"
REMEDY_ID = "0b1c2d3e-4f5a-5b6c-8d7e-9f0a1b2c3d4e"
EVIDENCE_ID = "9a8b7c6d-5e4f-5a3b-8c2d-1e0f9a8b7c6d"
TASK_ID = "1c2d3e4f-5a6b-5c7d-8e8f-0a9b8c7d6e5f"
REQUEST_ID = "2d3e4f5a-6b7c-5d8e-8f9a-1b0c9d8e7f6a"
REFERRAL_ID = "3e4f5a6b-7c8d-5e9f-80ab-2c1d0e9f8a7b"
EARLIER_ID = "01957a6e-0000-7000-8000-000000000001"

EXAMPLES: dict[str, dict[str, Any]] = {
    "RegisterComplaint": {
        "channel": "wechat",
        "source_system": "contact-centre",
        "nature": "complaint",
        "origin": "person",
        "customer_id": "c-10293",
        "language": "zh-CN",
        "narrative": "新买的空调制冷效果差，说明书看不懂，打了三次电话没人回复。",
        "requested_remedy": {"kind": "repair", "text": "尽快上门维修"},
        "product": {"sku": "AC-35GW", "model": "KFR-35GW", "batch": "2026-07-B2"},
        "region": "310000",
        "received_unit": "hotline",
    },
    "AcknowledgeComplaint": {"by": "person", "channel": "phone"},
    "RecordContact": {
        "direction": "outbound",
        "channel": "phone",
        "party": "customer",
        "purpose": "answer",
        "outcome": "reached",
        "summary": "客户确认制冷效果差，约定明日上门。",
    },
    "RecordChaser": {
        "channel": "phone",
        "party": "customer",
        "summary": "客户第二次来电询问何时上门。",
    },
    "FlagEmergency": {
        "cause": "safety_hazard",
        "decided_by": {"kind": "person", "id": "agent-7"},
    },
    "RecordContainment": {
        "kind": "stop_use",
        "measure": "已通知客户断电停用，等待上门。",
        "unit_id": "after-sales-east",
    },
    "AttachEvidence": {
        "kind": "photo",
        "media_type": "image/jpeg",
        "size": 284_113,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "captured_at": "2026-08-03T18:20:00+08:00",
        "provided_by": "customer",
    },
    "WithdrawEvidence": {
        "evidence_id": EVIDENCE_ID,
        "reason_code": "wrong_complaint",
        "reason_text": "The photo belongs to another complaint.",
    },
    "AssessComplaint": {
        "category": {
            "path": ["product_quality", "cooling", "weak_cooling"],
            "taxonomy_version": "shipped-1",
        },
        "severity": "important",
        "decided_by": {"kind": "person", "id": "agent-7"},
        "tags": ["air conditioner"],
    },
    "AcceptComplaint": {"unit_id": "after-sales-east"},
    "DeclineComplaint": {
        "reason_code": "not_our_product",
        "reason_text": "The product was made and sold by another company.",
        "notice": {
            "channel": "email",
            "language": "zh-CN",
            "recourse": "您可以拨打 12315 向市场监管部门投诉。",
        },
    },
    "AssignComplaint": {"unit_id": "after-sales-east", "person_id": "engineer-3"},
    "SignForAssignment": {},
    "ReturnAssignment": {
        "reason_code": "wrong_skill",
        "reason_text": "The fault lies in the electronics, not in the cooling.",
    },
    "ConfirmProblem": {"by": "customer", "how": "callback", "contact_id": CONTACT_ID},
    "DelegateTask": {
        "kind": "inspection",
        "unit_id": "workshop-east",
        "instructions": "请检查毛细管并拍照。",
        "due_at": "2026-08-05T17:00:00+08:00",
    },
    "CompleteTask": {
        "task_id": TASK_ID,
        "outcome": "fault_found",
        "result": "毛细管焊点泄漏。",
    },
    "RecordFinding": {"kind": "cause", "finding": "毛细管焊点泄漏，属批次问题。"},
    "RequestInformation": {
        "from": "customer",
        "what": "请提供购买凭证照片。",
        "due_at": "2026-08-05T12:00:00+08:00",
    },
    "RecordInformation": {"request_id": REQUEST_ID, "content": "客户发来发票照片。"},
    "ReferComplaint": {
        "body": "12315",
        "reference": "SH-2026-00123",
        "reply_due_at": "2026-08-12T23:59:59+08:00",
    },
    "RecordOutsideOutcome": {
        "referral_id": REFERRAL_ID,
        "outcome": "upheld",
        "summary": "调解成功，免费维修并延保一年。",
    },
    "ReportOutcomeToBody": {"referral_id": REFERRAL_ID, "channel": "portal"},
    "ProposeRemedy": {
        "kind": "repair",
        "basis": "statutory",
        "legal_ref": "消费者权益保护法 第24条",
        "description": "免费上门检修并补充制冷剂。",
    },
    "ApproveRemedy": {"remedy_id": REMEDY_ID},
    "RejectRemedy": {
        "remedy_id": REMEDY_ID,
        "reason_code": "beyond_standard",
        "reason_text": "The voucher goes beyond what is granted for such complaints.",
    },
    "DeclineRemedy": {"remedy_id": REMEDY_ID, "contact_id": CONTACT_ID},
    "AcceptRemedy": {"remedy_id": REMEDY_ID, "contact_id": CONTACT_ID},
    "FulfilRemedy": {"remedy_id": REMEDY_ID},
    "CommunicateDecision": {
        "decision": "upheld",
        "reasons": "产品存在质量问题，免费维修。",
        "recourse": "如不接受，可拨打 12315 申诉。",
        "language": "zh-CN",
        "contact_id": CONTACT_ID,
    },
    "DeclareFinalPosition": {
        "reason_code": "nothing_more_to_offer",
        "reason_text": "Everything owed was done; the customer asks for more than that.",
    },
    "ResolveComplaint": {"outcome": "upheld", "summary": "已更换毛细管，制冷恢复正常。"},
    "ConfirmResolution": {"by": "customer", "how": "callback", "contact_id": CONTACT_ID},
    "DisputeResolution": {"explanation": "两天后又不制冷了。", "contact_id": CONTACT_ID},
    "RecordSatisfaction": {
        "score": 4,
        "by": "customer",
        "channel": "sms",
        "sub_scores": {"timeliness": 3, "attitude": 5},
        "comment": "师傅态度很好，就是等得有点久。",
    },
    "CloseComplaint": {"reason": "verified"},
    "ReopenComplaint": {
        "reason_code": "fault_returned",
        "reason_text": "The customer called: the same fault is back.",
    },
    "WithdrawComplaint": {
        "reason_code": "customer_statement",
        "reason_text": "The customer says the matter has settled itself.",
        "contact_id": CONTACT_ID,
    },
    "MergeComplaint": {
        "target_id": EARLIER_ID,
        "reason_code": "registered_twice",
        "reason_text": "The customer wrote by chat and called about the same fault.",
    },
    "UnmergeComplaint": {
        "reason_code": "another_problem",
        "reason_text": "It is about the second air conditioner.",
    },
    "EscalateComplaint": {
        "level": "task_force",
        "unit_id": "quality-board",
        "reason_code": "no_progress",
        "reason_text": "Three visits, and the cause is still not found.",
    },
    "RemindHandler": {
        "about": "resolve",
        "message": "明天到期，请尽快联系客户。",
    },
    "PauseClock": {
        "clock": "resolve",
        "reason_code": "customer_unavailable",
        "reason_text": "The customer is away until Friday.",
    },
    "ResumeClock": {"clock": "resolve"},
    "ClassifyRepeat": {
        "class": "repeat",
        "rule_version": "default@0",
        "earlier_id": EARLIER_ID,
        "days_since_close": 41,
        "after_verified_close": True,
        "reason_code": "same_fault",
        "reason_text": "The customer means the repair in March.",
    },
    "LinkCustomer": {
        "customer_id": "c-10294",
        "by": "person",
        "confidence_percent": 95,
        "contact_id": CONTACT_ID,
        "reason_code": "wrong_customer",
        "reason_text": "The caller is the brother of the customer first recorded.",
    },
    "IdentifyCustomer": {
        "handle": {"kind": "phone", "value": "+86 138 0000 0000"},
        "by": "person",
        "confidence_percent": 95,
        "evidence": "called_back",
    },
    "ReleaseHandle": {
        "handle": {"kind": "phone", "value": "13800000000"},
        "reason_code": "given_out_again",
        "reason_text": "The telephone company gave the number to somebody else.",
    },
    "VerifyCustomer": {"valid_until": "2099-12-31T23:59:59+08:00", "method": "sms_code"},
    "SetCustomerTier": {"tier": "vip", "source": "crm"},
    "AssignSegment": {
        "segment": "service_quality",
        "model_version": "segments-2026.1",
        "confidence_percent": 71,
    },
    "RecordSpecialGroups": {"groups": ["老年人"], "source": "customer"},
    "MergeCustomers": {
        "into_id": "c-10293",
        "reason_code": "same_person",
        "reason_text": "The same customer was registered with two telephone numbers.",
    },
    "SplitCustomer": {
        "reason_code": "two_persons",
        "reason_text": "Father and son have the same name.",
    },
    "AddDetail": {"details": {"order_ref": "SO-2026-118822"}},
    "CorrectField": {
        "new": {"region": "320500"},
        "reason_code": "wrong_region",
        "reason_text": "The customer lives in Suzhou.",
    },
    "RecordSourceFact": {"name": "company_response", "value": "Closed with explanation"},
}
