"""The Asterisk modules that the rendered configuration uses: the private Asterisk loads these and no others.

A short list starts in half a second; the check looks for the same list in an Asterisk that is already there.
"""

from typing import Final

# What calls need. A module without which Switchboard cannot work belongs here.
REQUIRED: Final = (
    "app_chanspy",
    "app_dtmfstore",  # keys pressed while waiting
    "app_dial",
    "app_exec",  # ExecIf
    "app_mixmonitor",
    "app_playback",
    "app_queue",
    "app_read",
    "app_userevent",
    "app_verbose",
    "bridge_builtin_features",
    "bridge_simple",
    "bridge_softmix",
    "chan_pjsip",
    "codec_alaw",
    "codec_resample",
    "codec_ulaw",
    "format_pcm",
    "format_wav",
    "func_callerid",
    "func_channel",
    "func_logic",
    "func_strings",
    "func_timeout",
    "pbx_config",
    "res_agi",
    "res_musiconhold",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_nat",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration",
    "res_pjsip_pubsub",  # chan_pjsip links against it
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_rtp_asterisk",
    "res_sorcery_astdb",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_speech",  # res_agi links against it
    "res_timing_timerfd",
)

# Loaded too where they exist: useful to people who look at a running Asterisk, and cheaper or better media.
OPTIONAL: Final = (
    "bridge_native_rtp",
    "codec_g722",
    "codec_gsm",
    "format_gsm",
    "format_sln",
    "res_pjsip_logger",
)
