"""VoiceXML 2.1: read as a tree (`tree`), its ECMAScript (`expressions`) and its grammars (`grammars`), and followed as
the form interpretation algorithm would (`translate`)."""
